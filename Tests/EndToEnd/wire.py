"""The frames of docs/wire.md, written from that page alone: what a client in another language would send."""

import struct
import time

import zmq


def _table():
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)
        yield number


_CRC = tuple(_table())


def crc32c(data):
    """CRC-32C (Castagnoli)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _CRC[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def batch(producer, epoch, first, lines, *, station="nogales", flags=1, version=1, length=96, count=None, size=None,
          payload_crc=None, header_crc=None, received=None):
    """A batch; what is given in place of the truth is what its header says."""
    payload = b"".join(line + b"\n" for line in lines)
    head = struct.pack(
        "<4sBBH32s16sQQIIqI", b"ENLB", version, flags, length, station.encode(), producer, epoch, first,
        len(lines) if count is None else count, len(payload) if size is None else size,
        int(time.time() * 1e6) if received is None else received,
        crc32c(payload) if payload_crc is None else payload_crc)
    return head + struct.pack("<I", crc32c(head) if header_crc is None else header_crc) + payload


assert batch(bytes(range(1, 17)), 0x1122334455667788, 7, [b"{}"], flags=0, received=1_000_000).hex() == (
    "454e4c42010060006e6f67616c6573" + "00" * 25 + "0102030405060708090a0b0c0d0e0f10" + "8877665544332211"
    + "0700000000000000" + "01000000" + "03000000" + "40420f0000000000" + "279d1ff0" + "f93b2bdb" + "7b7d0a")


def frame(kind, body=b"", version=1):
    return bytes([version, kind]) + body


def heartbeat(worker, capacity, held=(), is_alone=True):
    body = worker + struct.pack("<HH", capacity, len(held))
    return frame(1, body + b"".join(struct.pack("<QQ", *key) for key in held) + bytes([is_alone]))


def done(worker, epoch, first):
    return frame(2, worker + struct.pack("<QQ", epoch, first))


def goodbye(worker):
    return frame(3, worker)


def append(worker, data):
    return [frame(32, worker), data]


def short(text):
    data = text.encode()
    return bytes([len(data)]) + data


def hello(producer, station, epochs, oldest, following, archive, committed, generation=0):
    body = producer + short(station) + struct.pack("<H", len(epochs))
    body += b"".join(struct.pack("<QQ", *entry) for entry in epochs)
    return frame(48, body + struct.pack("<QQ", oldest, following) + archive + struct.pack("<QI", committed, generation))


def welcome(producer, epoch, sink, archive, generation, watermark, window, refusal=""):
    body = producer + struct.pack("<Q", epoch) + sink + archive + struct.pack("<IQQ", generation, watermark, window)
    return frame(49, body + short(refusal))


def commit(producer, epoch, through):
    return frame(50, producer + struct.pack("<QQ", epoch, through))


def nack(producer, epoch, start):
    return frame(51, producer + struct.pack("<QQ", epoch, start))


def parse_hello(data):
    """The fields of a hello."""
    assert data[:2] == bytes([1, 48]), data[:2]
    producer, size = data[2:18], data[18]
    at = 19 + size
    station = data[19:at].decode()
    (count,) = struct.unpack_from("<H", data, at)
    at += 2
    epochs = [struct.unpack_from("<QQ", data, at + 16 * index) for index in range(count)]
    at += 16 * count
    oldest, following = struct.unpack_from("<QQ", data, at)
    archive = data[at + 16:at + 32]
    (committed,) = struct.unpack_from("<Q", data, at + 32)
    return {"producer": producer, "station": station, "epochs": epochs, "oldest": oldest, "next": following,
            "archive": archive, "committed": committed}


def connect(flow, endpoint, kind=zmq.DEALER):
    """A socket at one of the run directory's endpoints."""
    socket = zmq.Context.instance().socket(kind)
    socket.linger = 0
    socket.connect(f"ipc://{flow.run_dir}/{endpoint}")
    return socket
