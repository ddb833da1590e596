/// More facts, as in `CoreTables`.
enum TimeTables {
    static let times = #"""
        int(timestamp('2009-02-13T23:31:30Z')) => 1234567890
        string(timestamp('2009-02-13T23:31:30Z')) => '2009-02-13T23:31:30Z'
        string(timestamp('9999-12-31T23:59:59.999999999Z')) => '9999-12-31T23:59:59.999999999Z'
        timestamp('0001-01-01T00:00:00Z') => T(0001-01-01T00:00:00Z)
        timestamp('2009-02-13T23:31:30.250Z') => T(2009-02-13T23:31:30.25Z)
        timestamp('2009-02-13T16:31:30-07:00') => T(2009-02-13T23:31:30Z)
        timestamp('2009-02-14T05:01:30.5+05:30') => T(2009-02-13T23:31:30.5Z)
        timestamp('2024-02-29T00:00:00Z') => T(2024-02-29T00:00:00Z)
        timestamp(0) => T(1970-01-01T00:00:00Z)
        timestamp(-1) => T(1969-12-31T23:59:59Z)
        timestamp(1234567890) => T(2009-02-13T23:31:30Z)
        timestamp(timestamp(7)) => T(1970-01-01T00:00:07Z)
        timestamp('2023-02-29T00:00:00Z') => ! no such date
        timestamp('2023-13-01T00:00:00Z') => ! no such date
        timestamp('2023-01-01T24:00:00Z') => ! no such date
        timestamp('2023-01-01T00:00:00') => ! has no offset
        timestamp('2023-01-01') => ! is not an RFC 3339 time
        timestamp('') => ! is not an RFC 3339 time
        timestamp('2023-01-01T00:00:00.Z') => ! is not an RFC 3339 time
        timestamp('2023-01-01T00:00:00Zx') => ! is not an RFC 3339 time
        timestamp('0000-01-01T00:00:00Z') => ! range
        timestamp('10000-01-01T00:00:00Z') => ! range
        timestamp('0001-01-01T00:00:00+00:01') => ! range
        timestamp(253402300800) => ! range
        timestamp(-62135596801) => ! range
        timestamp(1u) => ! timestamp() does not take
        string(duration('1000000s')) => '1000000s'
        duration('0') => D(0)
        duration('1h30m') => D(5400000000000)
        duration('-1.5s') => D(-1500000000)
        duration('+.5ms') => D(500000)
        duration('1h0.25m3s4ms5us6µs7μs8ns') => D(3618004018008)
        duration('0.1h') => D(360000000000)
        duration('0.000000001s') => D(1)
        duration(duration('1s')) => D(1000000000)
        string(duration('-0.5s')) => '-0.5s'
        string(duration('1ns')) => '0.000000001s'
        string(duration('90m')) => '5400s'
        duration('') => ! is not a duration
        duration('-') => ! is not a duration
        duration('1') => ! is not a duration
        duration('1d') => ! is not a duration
        duration('s') => ! is not a duration
        duration('.s') => ! is not a duration
        duration('1h 2m') => ! is not a duration
        duration('--1s') => ! is not a duration
        duration('9223372036854775807ns') => D(9223372036854775807)
        duration('-9223372036854775808ns') => D(-9223372036854775808)
        duration('9223372036854775808ns') => ! range
        duration('-320000000000s') => ! range
        duration('320000000000s') => ! range
        duration('99999999999999999999h') => ! range
        duration(1) => ! duration() does not take
        timestamp('2009-02-13T23:31:30Z').getDate() => 13
        timestamp('2009-02-13T23:31:30Z').getDayOfMonth() => 12
        timestamp('2009-02-13T23:31:30Z').getDayOfWeek() => 5
        timestamp('2009-02-13T23:31:30Z').getDayOfYear() => 43
        timestamp('2009-02-13T23:31:30Z').getFullYear() => 2009
        timestamp('2009-02-13T23:31:30Z').getHours() => 23
        timestamp('2009-02-13T23:31:20.123456789Z').getMilliseconds() => 123
        timestamp('2009-02-13T23:31:30Z').getMinutes() => 31
        timestamp('2009-02-13T23:31:30Z').getMonth() => 1
        timestamp('2009-02-13T23:31:30Z').getSeconds() => 30
        timestamp('1969-12-31T23:59:59.5Z').getMilliseconds() => 500
        timestamp('2024-12-31T00:00:00Z').getDayOfYear() => 365
        timestamp('2026-11-22T00:00:00Z').getDayOfWeek() => 0
        timestamp('0001-01-01T00:00:00Z').getDayOfWeek() => 1
        timestamp('2009-02-13T23:31:30Z').getDayOfMonth('+11:00') => 13
        timestamp('2009-02-13T02:00:00Z').getDayOfMonth('-02:30') => 11
        timestamp('2009-02-13T23:31:30Z').getDayOfWeek('UTC') => 5
        timestamp('2009-02-13T23:31:30Z').getFullYear('-09:30') => 2009
        timestamp('2009-02-13T23:31:30Z').getHours('02:00') => 1
        timestamp('2009-02-13T23:31:30Z').getMinutes('+05:45') => 16
        timestamp('2009-02-13T23:31:30Z').getMonth('UTC') => 1
        timestamp('2009-02-13T23:31:30Z').getSeconds('-00:00') => 30
        timestamp('0001-01-01T00:00:00Z').getFullYear('-01:00') => 0
        timestamp('9999-12-31T23:59:59Z').getFullYear('+01:00') => 10000
        timestamp(0).getHours('America/Phoenix') => ! names of time zones are left out
        timestamp(0).getHours('+1') => ! give UTC or an offset
        timestamp(0).getHours('+24:00') => ! give UTC or an offset
        timestamp(0).getHours(1) => ! getHours() does not take
        'a'.getHours() => ! getHours() does not take a string
        timestamp('2009-02-13T23:31:30Z') == timestamp('2009-02-13T23:31:30Z') => true
        timestamp('2009-02-13T23:31:30+00:00') == timestamp('2009-02-14T00:31:30+01:00') => true
        timestamp('2009-02-13T23:31:29Z') == timestamp('2009-02-13T23:31:30Z') => false
        timestamp('2000-01-01T00:00:00Z') != timestamp('2001-01-01T00:00:00Z') => true
        duration('123s') == duration('123000ms') => true
        duration('60s') == duration('3600s') => false
        timestamp('2009-02-13T23:00:00Z') + duration('240s') => T(2009-02-13T23:04:00Z)
        duration('120s') + timestamp('2009-02-13T23:01:00Z') => T(2009-02-13T23:03:00Z)
        duration('600s') + duration('50s') => D(650000000000)
        timestamp('0001-01-01T00:00:01.000000001Z') + duration('-999999999ns') => T(0001-01-01T00:00:00.000000002Z)
        timestamp('0001-01-01T00:00:01.999999999Z') + duration('999999999ns') => T(0001-01-01T00:00:02.999999998Z)
        timestamp('2009-02-13T23:10:00Z') - duration('600s') => T(2009-02-13T23:00:00Z)
        timestamp('2009-02-13T23:31:00Z') - timestamp('2009-02-13T23:29:00Z') => D(120000000000)
        timestamp(0) - timestamp('1970-01-01T00:00:00.5Z') => D(-500000000)
        duration('900s') - duration('42s') => D(858000000000)
        duration('1s') - timestamp(0) => ! - does not take a duration and a timestamp
        timestamp(0) + timestamp(0) => ! + does not take a timestamp and a timestamp
        timestamp(0) + 1 => ! + does not take a timestamp and an int
        timestamp(0) + '1s' => ! timestamp(…) makes a timestamp
        duration('1s') * 2 => ! * does not take a duration and an int
        -duration('1s') => ! - takes an int or a double
        timestamp('2009-02-13T23:00:00Z') <= timestamp('2009-02-13T23:00:00Z') => true
        timestamp('2009-02-13T23:00:00Z') <= timestamp('2009-02-13T22:59:59Z') => false
        timestamp('2009-02-13T23:00:00Z') > timestamp('2009-02-13T22:59:59.999999999Z') => true
        duration('200s') < duration('300s') => true
        duration('120s') >= duration('200s') => false
        duration('10000s').getHours() => 2
        duration('123321456us').getMilliseconds() => 321
        duration('3730s').getMinutes() => 62
        duration('3730s').getSeconds() => 3730
        duration('-90s').getMinutes() => -1
        duration('1s').getDate() => ! getDate() does not take a duration
        duration('1s').getHours('UTC') => ! getHours() does not take
        timestamp('0001-01-01T00:00:00Z') + duration('-1s') => ! range
        timestamp('9999-12-31T23:59:59Z') + duration('1s') => ! range
        timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns') => ! range
        timestamp('0001-01-01T00:00:00Z') + duration('-1ns') => ! range
        timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z') => ! range
        timestamp('0001-01-01T00:00:00Z') - timestamp('9999-12-31T23:59:59Z') => ! range
        timestamp(0) - duration('-9223372036854775808ns') => ! range
        duration('9000000000s') + duration('9000000000s') => ! range
        duration('-9000000000s') - duration('9000000000s') => ! range
        """#
}
