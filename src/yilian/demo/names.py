"""What people in the region are called: surnames, and given names that fit the generation.

Common names of the place and the time; every person made from them is invented. Several surnames with an unusual reading (单 仇 曾 解 查
区) and double surnames (欧阳 上官 尉迟) are in, so that search by pinyin has something to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

SURNAMES = (
    "李李李李李王王王王王张张张张刘刘刘刘陈陈陈陈杨杨杨黄黄黄周周周吴吴吴罗罗罗何何何唐唐邓邓徐徐胡胡赵赵曾曾谢谢郑郑彭彭廖廖"
    "曹冯萧叶董程袁蒋余杜苏魏吕丁任沈姚卢姜崔谭陆汪范金石贾韦夏付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "单仇解查区晏冉税"
)
DOUBLE_SURNAMES = ("欧阳", "上官", "司马", "尉迟")


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# Given names by the decade a generation was named in; the first list of a pair is for men.
_GIVEN: tuple[tuple[int, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        1949,
        _list(
            "德福 德明 正清 正华 世昌 世荣 光明 光荣 天贵 天禄 朝富 朝贵 永福 永贵 志高 "
            "维新 国栋 思源 泽民 仁寿 绍安 绍云 焕章 锡林 培根 启明 家声 兴国 兴发 礼全"
        ),
        _list(
            "桂兰 桂英 桂芳 秀英 秀珍 秀兰 素珍 素芳 素华 淑芬 淑珍 玉兰 玉珍 玉芬 凤英 "
            "凤仙 金秀 银珍 翠英 翠兰 碧芳 碧珍 惠芳 惠珍 素清 光秀 先秀 正芳 德芳 朝珍"
        ),
    ),
    (
        1962,
        _list(
            "建国 建华 建军 国庆 国强 国华 国安 援朝 卫国 卫东 跃进 永红 志强 志明 志远 文学 "
            "文斌 文富 明富 明贵 光辉 大富 大贵 少华 少清 仕林 仕明 定国 万全 长春 忠诚 泽贵"
        ),
        _list(
            "秀芳 秀琼 秀华 淑华 淑琼 玉华 玉琼 桂华 桂琼 建英 建琼 国英 国芳 光琼 明秀 "
            "明芳 先芳 素琼 素英 菊芳 菊英 天琼 天秀 兴芳 世琼 惠琼 代芳 长英 永芳 琼芳"
        ),
    ),
    (
        1978,
        _list(
            "勇 军 强 伟 刚 斌 波 涛 林 平 兵 红兵 小平 小林 晓东 晓明 建平 "
            "建波 志勇 志刚 永强 永刚 洪波 洪林 文军 文华 春林 春华 代勇 云峰 云贵 成林 成刚"
        ),
        _list(
            "丽 芳 敏 静 燕 霞 琼 英 群 萍 丽华 丽琼 丽娟 晓琼 晓英 晓燕 小琼 "
            "小英 春燕 春梅 红梅 红英 玉梅 玉蓉 雪梅 雪琴 利华 利琼 素蓉 蓉 会琼 会英 小红"
        ),
    ),
    (
        1992,
        _list(
            "鹏 磊 超 浩 杰 凯 帅 俊 亮 飞 宇 鑫 俊杰 俊峰 志鹏 文杰 "
            "文涛 海涛 海波 小龙 小川 晓峰 云川 家伟 家豪 建川 智勇 世杰 松 洋 阳 强龙"
        ),
        _list(
            "婷 娟 艳 玲 慧 莉 倩 雪 丹 娜 婷婷 佳 瑶 欢 晓玲 晓丽 春艳 "
            "海燕 小丽 小玲 小艳 雪娇 雪莲 玉婷 玉洁 文静 文婷 思琪 梦琳 利君 红艳 秋月 冬梅"
        ),
    ),
    (
        2008,
        _list("浩然 宇航 子豪 俊熙 博文 文博 天宇 志豪 嘉豪 俊豪 浩宇 佳俊 鑫宇 宇轩 梓豪 睿 昊 晨 航 逸飞 家乐 思远 明轩 俊宇 永康 智宸"),
        _list(
            "欣怡 雨欣 佳怡 思雨 梦瑶 诗雨 雨婷 佳琪 心怡 静怡 雅婷 欣妍 雨涵 "
            "可馨 思颖 紫萱 语嫣 子涵 欣悦 若曦 婉婷 梓萱 嘉欣 馨月 诗涵 雅琪"
        ),
    ),
    (
        9999,
        _list("子轩 沐宸 宇泽 浩辰 奕辰 子睿 铭泽 梓睿 俊泽 一诺 星辰 景行 知远 沐阳 承泽 屿安 书恒 嘉树 云舟 亦安 晨熙 予安 瑾瑜 皓轩"),
        _list("若汐 沐瑶 梓涵 一诺 诗琪 语桐 芷若 苡沫 欣然 书瑶 清妍 可心 念安 知夏 云舒 夕颜 妙涵 雨桐 艺涵 星晚 佳宁 安然 思齐 禾苗"),
    ),
)


@dataclass(frozen=True, slots=True)
class Name:
    """family and given as the person writes them; text is the whole name in its own order."""

    text: str
    family: str
    given: str

    def human(self) -> list[dict[str, object]]:
        """As FHIR HumanName, official use."""
        return [{"use": "official", "text": self.text, "family": self.family, "given": [self.given]}]


def surname(rng: Random) -> str:
    """One in sixty is a double surname."""
    return rng.choice(DOUBLE_SURNAMES) if rng.random() < 1 / 60 else rng.choice(SURNAMES)


def given(rng: Random, sex: str, year: int) -> str:
    """A given name as it was usual for a man ('male') or woman ('female') born in `year`."""
    for until, men, women in _GIVEN:
        if year < until:
            return rng.choice(men if sex == "male" else women)
    raise AssertionError("the last list has no end")


def name(rng: Random, sex: str, year: int, family: str = "") -> Name:
    """A whole name; `family` keeps the surname of the household."""
    family = family or surname(rng)
    first = given(rng, sex, year)
    return Name(family + first, family, first)


# Families of other ethnic groups: GB/T 3304 code -> (display, names of one household as (role, sex, age, Name)).
ETHNIC_GROUPS = {
    "01": "汉族",
    "03": "回族",
    "04": "藏族",
    "05": "维吾尔族",
    "06": "苗族",
    "07": "彝族",
    "15": "土家族",
    "33": "羌族",
}

OTHER_FAMILIES: tuple[tuple[str, tuple[tuple[str, str, int, Name], ...]], ...] = (
    (
        "05",
        (
            ("户主", "male", 46, Name("阿卜杜热西提·买买提依明", "买买提依明", "阿卜杜热西提")),
            ("配偶", "female", 43, Name("古丽巴哈尔·艾合买提江", "艾合买提江", "古丽巴哈尔")),
            ("女", "female", 17, Name("迪丽努尔·阿卜杜热西提", "阿卜杜热西提", "迪丽努尔")),
            ("子", "male", 12, Name("麦麦提江·阿卜杜热西提", "阿卜杜热西提", "麦麦提江")),
        ),
    ),
    (
        "07",
        (
            ("户主", "male", 67, Name("阿说尔古", "阿说", "尔古")),
            ("配偶", "female", 64, Name("吉克阿依莫", "吉克", "阿依莫")),
            ("子", "male", 38, Name("阿说拉铁", "阿说", "拉铁")),
            ("子女配偶", "female", 35, Name("沙马乌牛", "沙马", "乌牛")),
            ("孙女", "female", 9, Name("阿说伍呷", "阿说", "伍呷")),
        ),
    ),
    (
        "04",
        (
            ("户主", "male", 71, Name("扎西多吉", "扎西", "多吉")),
            ("配偶", "female", 68, Name("卓玛拉姆", "卓玛", "拉姆")),
            ("子", "male", 41, Name("次仁顿珠", "次仁", "顿珠")),
        ),
    ),
    (
        "33",
        (
            ("户主", "male", 58, Name("余尔玛", "余", "尔玛")),
            ("配偶", "female", 56, Name("陈依娜", "陈", "依娜")),
            ("女", "female", 29, Name("余夏雨", "余", "夏雨")),
        ),
    ),
)
