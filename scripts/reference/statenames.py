"""Names of states in English and Spanish and the abbreviations in use, kept by hand: names, then after a semicolon the
abbreviations. The postal or ISO code of a state is among the abbreviations where people write it."""

# GeoNames' codes to ISO 3166-2's.
MX_CODES = {
    "01": "AGU", "02": "BCN", "03": "BCS", "04": "CAM", "05": "CHP", "06": "CHH", "07": "COA", "08": "COL",
    "09": "CMX", "10": "DUR", "11": "GUA", "12": "GRO", "13": "HID", "14": "JAL", "15": "MEX", "16": "MIC",
    "17": "MOR", "18": "NAY", "19": "NLE", "20": "OAX", "21": "PUE", "22": "QUE", "23": "ROO", "24": "SLP",
    "25": "SIN", "26": "SON", "27": "TAB", "28": "TAM", "29": "TLA", "30": "VER", "31": "YUC", "32": "ZAC",
}
CA_CODES = {"08": "ON", "10": "QC"}

US = """
AL Alabama;AL,Ala
AK Alaska;AK
AZ Arizona;AZ,Ariz
AR Arkansas;AR,Ark
CA California;CA,Calif,Cal
CO Colorado;CO,Colo
CT Connecticut;CT,Conn
DE Delaware;DE,Del
DC District of Columbia,Distrito de Columbia;DC,D.C.
FL Florida;FL,Fla
GA Georgia;GA
HI Hawaii,Hawái;HI
ID Idaho;ID
IL Illinois;IL,Ill
IN Indiana;IN,Ind
IA Iowa;IA
KS Kansas;KS,Kan
KY Kentucky;KY
LA Louisiana,Luisiana;LA
ME Maine;ME
MD Maryland;MD
MA Massachusetts;MA,Mass
MI Michigan;MI,Mich
MN Minnesota;MN,Minn
MS Mississippi,Misisipi;MS,Miss
MO Missouri,Misuri;MO
MT Montana;MT,Mont
NE Nebraska;NE,Neb
NV Nevada;NV,Nev
NH New Hampshire,Nuevo Hampshire;NH,N.H.
NJ New Jersey,Nueva Jersey;NJ,N.J.
NM New Mexico,Nuevo México;NM,N.M.,N. Mex
NY New York,Nueva York;NY,N.Y.
NC North Carolina,Carolina del Norte;NC,N.C.
ND North Dakota,Dakota del Norte;ND,N.D.
OH Ohio;OH
OK Oklahoma;OK,Okla
OR Oregon;OR,Ore
PA Pennsylvania,Pensilvania;PA,Penn
RI Rhode Island;RI,R.I.
SC South Carolina,Carolina del Sur;SC,S.C.
SD South Dakota,Dakota del Sur;SD,S.D.
TN Tennessee,Tennesí;TN,Tenn
TX Texas,Tejas;TX,Tex
UT Utah;UT
VT Vermont;VT
VA Virginia;VA
WA Washington;WA,Wash
WV West Virginia,Virginia Occidental;WV,W. Va
WI Wisconsin;WI,Wis
WY Wyoming;WY,Wyo
"""
MX = """
AGU Aguascalientes;Ags
BCN Baja California;BC,B.C.,B C,BCN
BCS Baja California Sur;BCS,B.C.S.
CAM Campeche;Camp
CHP Chiapas;Chis
CHH Chihuahua;Chih
COA Coahuila,Coahuila de Zaragoza;Coah
COL Colima;Col
CMX Ciudad de México,Mexico City,Distrito Federal;CDMX,D.F.
DUR Durango;Dgo
GUA Guanajuato;Gto
GRO Guerrero;Gro
HID Hidalgo;Hgo
JAL Jalisco;Jal
MEX Estado de México,State of Mexico;Edomex,Méx
MIC Michoacán,Michoacán de Ocampo;Mich
MOR Morelos;Mor
NAY Nayarit;Nay
NLE Nuevo León;NL,N.L.
OAX Oaxaca;Oax
PUE Puebla;Pue
QUE Querétaro,Querétaro de Arteaga;Qro
ROO Quintana Roo;QRoo,Q. Roo
SLP San Luis Potosí;SLP,S.L.P.
SIN Sinaloa;Sin
SON Sonora;Son
TAB Tabasco;Tab
TAM Tamaulipas;Tamps
TLA Tlaxcala;Tlax
VER Veracruz,Veracruz de Ignacio de la Llave;Ver
YUC Yucatán;Yuc
ZAC Zacatecas;Zac
"""
CA = """
ON Ontario;ON,Ont
"""
TABLES = {"US": US, "MX": MX, "CA": CA}


def listed(country):
    """(code, names, abbreviations) of each state."""
    for entry in TABLES[country].strip().splitlines():
        code, names = entry.split(" ", 1)
        full, _, short = names.partition(";")
        yield code, full.split(","), [word for word in short.split(",") if word]


def all_names():
    return [name for country in ("US", "MX") for _, names, _ in listed(country) for name in names]


# As reverse-geocode names them.
GEONAMES = {(country, code): names[0] for country in TABLES for code, names, _ in listed(country)}
GEONAMES |= {("MX", "CMX"): "Mexico City", ("MX", "MEX"): "México"}
