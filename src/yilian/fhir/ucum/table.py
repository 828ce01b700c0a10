"""The units there are, each by what it is in SI units or in one that stands before it: "number unit".

Written after UCUM 2.0.1 (https://ucum.org/ucum, tables 1 to 28) and the SI brochure; UCUM's constants are kept as it has them, so that
others convert to the same digits. The copyright of UCUM and its codes is the Regenstrief Institute's.
"""

from __future__ import annotations

PI = "3.1415926535897932384626433832795028841971693993751058209749445923"

PREFIXES = {
    "Y": "1e24", "Z": "1e21", "E": "1e18", "P": "1e15", "T": "1e12", "G": "1e9", "M": "1e6", "k": "1e3", "h": "100", "da": "10",
    "d": "0.1", "c": "0.01", "m": "1e-3", "u": "1e-6", "n": "1e-9", "p": "1e-12", "f": "1e-15", "a": "1e-18", "z": "1e-21", "y": "1e-24",
    "Ki": "1024", "Mi": "1048576", "Gi": "1073741824", "Ti": "1099511627776",
}  # fmt: skip

BASES = frozenset({"m", "s", "g", "rad", "K", "C", "cd", "mol"})
"""UCUM's seven and mol, which is one of the SI's."""

TEMPERATURES = {"Cel": ("1", "273.15"), "[degF]": ("5/9", "45967/180"), "[degRe]": ("5/4", "273.15")}
"""Kelvin to a degree, and what zero degrees are in kelvin."""

SCALES = frozenset(
    """
    [pH] Np B B[SPL] B[V] B[mV] B[uV] B[10.nV] B[W] B[kW] bit_s [p'diop] %[slope] [hp'_X] [hp'_C] [hp'_M] [hp'_Q] [m/s2/Hz^(1/2)]
    """.split()
)
"""Functions of a quantity rather than multiples of it. Comparable with themselves."""

ARBITRARY = frozenset(
    """
    [iU] [arb'U] [USP'U] [GPL'U] [MPL'U] [APL'U] [beth'U] [anti'Xa'U] [todd'U] [dye'U] [smgy'U] [bdsk'U] [ka'U] [knk'U] [mclg'U] [tb'U]
    [CCID_50] [TCID_50] [EID_50] [PFU] [FFU] [CFU] [IR] [BAU] [AU] [Amb'a'1'U] [PNU] [Lf] [D'ag'U] [FEU] [ELU] [EU]
    [hp_X] [hp_C] [hp_M] [hp_Q] [kp_X] [kp_C] [kp_M] [kp_Q]
    """.split()
)
"""Defined by an assay or a preparation; comparable with nothing else."""

_METRIC_DEFINED = {
    # chemistry and biochemistry
    "eq": "1 mol", "osm": "1 mol", "kat": "1 mol/s", "U": "1e-6 mol/min", "g%": "10 g/L", "[IU]": "1 [iU]",
    # volume, mass, pressure, area
    "l": "1e-3 m3", "L": "1e-3 m3", "st": "1 m3", "t": "1e6 g", "u": "1.6605402e-24 g", "ar": "100 m2", "pc": "3.085678e16 m",
    "bar": "1e5 Pa", "m[H2O]": "9806.65 Pa", "m[Hg]": "133322 Pa",
    # the SI's named ones
    "sr": "1 rad2", "Hz": "1 /s", "N": "1000 g.m/s2", "Pa": "1 N/m2", "J": "1 N.m", "W": "1 J/s", "A": "1 C/s", "V": "1 J/C",
    "F": "1 C/V", "Ohm": "1 V/A", "S": "1 A/V", "Wb": "1 V.s", "T": "1 Wb/m2", "H": "1 Wb/A", "lm": "1 cd.sr", "lx": "1 lm/m2",
    "Bq": "1 /s", "Gy": "1 J/kg", "Sv": "1 J/kg", "mho": "1 S",
    # radiation as it used to be measured
    "Ci": "37e9 Bq", "R": "2.58e-4 C/kg", "RAD": "0.01 Gy", "REM": "0.01 Sv",
    # energy
    "cal_[15]": "4.1858 J", "cal_[20]": "4.1819 J", "cal_m": "4.19002 J", "cal_IT": "4.1868 J", "cal_th": "4.184 J", "cal": "4.184 J",
    "eV": "1.60217733e-19 J",
    # centimetre, gram, second
    "Ky": "100 /m", "Gal": "0.01 m/s2", "dyn": "1e-5 N", "erg": "1e-7 J", "P": "0.1 Pa.s", "Bi": "10 A", "St": "1e-4 m2/s",
    "Mx": "1e-8 Wb", "G": "1e-4 T", "Oe": "250 A/m/[pi]", "Gb": "2.5 A/[pi]", "sb": "1e4 cd/m2", "Lmb": "1e4 cd/m2/[pi]", "ph": "1e-4 lx",
    # constants of nature
    "[c]": "299792458 m/s", "[h]": "6.6260755e-34 J.s", "[k]": "1.380658e-23 J/K", "[eps_0]": "8.854187817e-12 F/m",
    "[mu_0]": "4e-7 [pi].N/A2", "[e]": "1.60217733e-19 C", "[m_e]": "9.1093897e-28 g", "[m_p]": "1.6726231e-24 g",
    "[G]": "6.67259e-11 m3/kg/s2", "[g]": "9.80665 m/s2", "[ly]": "9460730472580800 m", "gf": "9.80665e-3 N", "tex": "1e-3 g/m",
    # information
    "bit": "1", "By": "8", "Bd": "1 /s",
}  # fmt: skip

_PLAIN_DEFINED = {
    # numbers
    "10*": "10", "10^": "10", "[pi]": PI, "%": "1e-2", "[ppth]": "1e-3", "[ppm]": "1e-6", "[ppb]": "1e-9", "[pptr]": "1e-12",
    "[HPF]": "1", "[LPF]": "100", "[hnsf'U]": "1", "[car_Au]": "1/24",
    # time
    "min": "60 s", "h": "3600 s", "d": "86400 s", "wk": "7 d", "mo": "30.4375 d", "mo_j": "30.4375 d", "mo_g": "30.436875 d",
    "mo_s": "29.53059 d", "a": "365.25 d", "a_j": "365.25 d", "a_g": "365.2425 d", "a_t": "365.24219 d",
    # angle
    "deg": "1/180 [pi].rad", "gon": "0.9 deg", "'": "1/60 deg", "''": "1/3600 deg", "circ": "2 [pi].rad", "sph": "4 [pi].sr",
    # the ward
    "[in_i'H2O]": "249.08891 Pa", "[in_i'Hg]": "3386.3788 Pa", "[PRU]": "133.322e6 Pa.s/m3", "[wood'U]": "7999.32e3 Pa.s/m3",
    "[diop]": "1 /m", "[mesh_i]": "1 /[in_i]", "[Ch]": "1/3 mm", "[drp]": "0.05 mL", "[MET]": "3.5 mL/min/kg", "[S]": "1e-13 s",
    "[foz_m]": "30 mL", "[cup_m]": "240 mL", "[tsp_m]": "5 mL", "[tbs_m]": "15 mL", "[oz_m]": "28 g",
    # pressure, force, power, heat
    "atm": "101325 Pa", "att": "98066.5 Pa", "[psi]": "1 [lbf_av]/[in_i]2", "[lbf_av]": "4.4482216152605 N",
    "[HP]": "550 [ft_i].[lbf_av]/s", "[degR]": "5/9 K", "[Cal]": "4184 J", "[Btu_39]": "1059.67 J", "[Btu_59]": "1054.8 J",
    "[Btu_60]": "1054.68 J", "[Btu_m]": "1055.87 J", "[Btu_IT]": "1055.05585262 J", "[Btu_th]": "1054.35 J", "[Btu]": "1054.35 J",
    # atoms, stars, jewels
    "Ao": "1e-10 m", "b": "1e-28 m2", "AU": "149597870691 m", "[car_m]": "0.2 g", "[smoot]": "67 [in_i]", "[den]": "1/9000 g/m",
    # inch, foot, mile as agreed in 1959
    "[in_i]": "0.0254 m", "[ft_i]": "0.3048 m", "[yd_i]": "0.9144 m", "[mi_i]": "1609.344 m", "[fth_i]": "1.8288 m",
    "[nmi_i]": "1852 m", "[kn_i]": "1852 m/h", "[sin_i]": "6.4516e-4 m2", "[sft_i]": "1 [ft_i]2", "[syd_i]": "1 [yd_i]2",
    "[cin_i]": "1 [in_i]3", "[cft_i]": "1 [ft_i]3", "[cyd_i]": "1 [yd_i]3", "[bf_i]": "144 [in_i]3", "[cr_i]": "128 [ft_i]3",
    "[mil_i]": "2.54e-5 m", "[cml_i]": "1/4 [pi].[mil_i]2", "[hd_i]": "0.1016 m",
    # of United States land surveys
    "[ft_us]": "1200/3937 m", "[yd_us]": "3 [ft_us]", "[in_us]": "1/12 [ft_us]", "[rd_us]": "16.5 [ft_us]", "[ch_us]": "66 [ft_us]",
    "[lk_us]": "0.66 [ft_us]", "[rch_us]": "100 [ft_us]", "[rlk_us]": "1 [ft_us]", "[fth_us]": "6 [ft_us]", "[fur_us]": "660 [ft_us]",
    "[mi_us]": "5280 [ft_us]", "[acr_us]": "43560 [ft_us]2", "[srd_us]": "1 [rd_us]2", "[smi_us]": "1 [mi_us]2", "[sct]": "1 [mi_us]2",
    "[twp]": "36 [mi_us]2", "[mil_us]": "1e-3 [in_us]",
    # of Britain before 1959
    "[in_br]": "0.02539998 m", "[ft_br]": "12 [in_br]", "[rd_br]": "198 [in_br]", "[ch_br]": "792 [in_br]", "[lk_br]": "7.92 [in_br]",
    "[fth_br]": "72 [in_br]", "[pc_br]": "30 [in_br]", "[yd_br]": "36 [in_br]", "[mi_br]": "63360 [in_br]", "[nmi_br]": "6080 [ft_br]",
    "[kn_br]": "1 [nmi_br]/h", "[acr_br]": "4840 [yd_br]2",
    # volumes of the United States
    "[gal_us]": "231 [in_i]3", "[bbl_us]": "42 [gal_us]", "[qt_us]": "1/4 [gal_us]", "[pt_us]": "1/8 [gal_us]", "[gil_us]": "1/32 [gal_us]",
    "[foz_us]": "1/128 [gal_us]", "[fdr_us]": "1/8 [foz_us]", "[min_us]": "1/480 [foz_us]", "[crd_us]": "128 [ft_i]3",
    "[bu_us]": "2150.42 [in_i]3", "[gal_wi]": "1/8 [bu_us]", "[pk_us]": "1/4 [bu_us]", "[dqt_us]": "1/32 [bu_us]",
    "[dpt_us]": "1/64 [bu_us]", "[tbs_us]": "1/2 [foz_us]", "[tsp_us]": "1/6 [foz_us]", "[cup_us]": "8 [foz_us]",
    # and of Britain
    "[gal_br]": "4.54609 L", "[pk_br]": "2 [gal_br]", "[bu_br]": "8 [gal_br]", "[qt_br]": "1/4 [gal_br]", "[pt_br]": "1/8 [gal_br]",
    "[gil_br]": "1/32 [gal_br]", "[foz_br]": "1/160 [gal_br]", "[fdr_br]": "1/8 [foz_br]", "[min_br]": "1/480 [foz_br]",
    # weights: shops, gold, chemists
    "[gr]": "0.06479891 g", "[lb_av]": "453.59237 g", "[oz_av]": "28.349523125 g", "[dr_av]": "1/16 [oz_av]", "[scwt_av]": "100 [lb_av]",
    "[lcwt_av]": "112 [lb_av]", "[ston_av]": "2000 [lb_av]", "[lton_av]": "2240 [lb_av]", "[stone_av]": "14 [lb_av]",
    "[pwt_tr]": "24 [gr]", "[oz_tr]": "480 [gr]", "[lb_tr]": "5760 [gr]",
    "[sc_ap]": "20 [gr]", "[dr_ap]": "60 [gr]", "[oz_ap]": "480 [gr]", "[lb_ap]": "5760 [gr]",
    # printers
    "[lne]": "1/12 [in_i]", "[pnt]": "1/72 [in_i]", "[pca]": "1/6 [in_i]", "[pnt_pr]": "0.013837 [in_i]", "[pca_pr]": "0.166044 [in_i]",
    "[pied]": "0.3248 m", "[pouce]": "1/12 [pied]", "[ligne]": "1/144 [pied]", "[didot]": "1/864 [pied]", "[cicero]": "1/72 [pied]",
}  # fmt: skip

DEFINED = {**_METRIC_DEFINED, **_PLAIN_DEFINED}

METRIC = frozenset({*BASES, *_METRIC_DEFINED, "Cel", "[iU]", "Np", "B", "B[SPL]", "B[V]", "B[mV]", "B[uV]", "B[10.nV]", "B[W]", "B[kW]"})
"""Those that take a prefix."""
