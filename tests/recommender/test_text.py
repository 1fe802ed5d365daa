import pytest

from hypothesis import given
from hypothesis import strategies as st

from recommender.text import (
    LONGEST_WORD,
    encode,
    fold,
    is_brand_term,
    is_category_term,
    term_hash,
    to_brand_term,
    to_category_terms,
    to_depth,
    to_words,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("Red Kettle", ["red", "kettle"]),
        ("a red-hot kettle, 2 l", ["red", "hot", "kettle"]),  # one letter says nothing
        ("USB_C x2", ["usb_c", "x2"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("\uff26ull \ufb01ne", ["full", "fine"]),  # compatibility forms
        ("Cafe\u0301 café", ["café", "café"]),  # composed and decomposed
        ("İstanbul istanbul", ["istanbul", "istanbul"]),  # a dot would stay behind
        ("ISPARTA \u0131sparta", ["isparta", "isparta"]),  # a capital lost its dot
        ("हिन्दी किताब", ["हिन्दी", "किताब"]),  # vowel signs belong to their word
        ("กาต้มน้ำ", ["กาต้มน้ํา"]),
        ("ΣΊΣΥΦΟΣ", ["σίσυφοσ"]),  # both sigmas are one letter
        ("茶 壶", ["茶", "壶"]),  # one character beyond ASCII is a word
        ("茶壶 x", ["茶壶"]),
        ("不锈钢水壶", ["不锈", "锈钢", "钢水", "水壶"]),  # Chinese has no spaces
        ("USB充电线2米", ["usb", "充电", "电线", "米"]),
        ("ステンレス製の鍋", ["ステ", "テン", "ンレ", "レス", "ス製", "製の", "の鍋"]),
        ("やかん・ポット", ["やか", "かん", "ポッ", "ット"]),
        ("ｹﾄﾙ", ["ケト", "トル"]),  # half as wide
        ("々", ["々"]),
        ("𠮷野家", ["𠮷野", "野家"]),  # beyond the first plane
        ("주전자 세트", ["주전자", "세트"]),  # Korean has spaces
        ("é x", ["é"]),
        ("½ l", []),
        ("5%·10\u00a0kg", ["10", "kg"]),
        ("\ud800kettle", ["kettle"]),
        ("tea\x1fpot\x00", ["tea", "pot"]),
    ],
)
def test_to_words(text, words):
    """
    Words are folded runs of two or more letters and digits, or one beyond ASCII.
    """
    assert to_words(text) == words


def test_long_words_are_cut():
    """
    What is longer than a word can be counts by its beginning.
    """
    assert to_words("x" * LONGEST_WORD) == ["x" * LONGEST_WORD]
    assert to_words("X" * 5000 + " y" * 2) == ["x" * LONGEST_WORD]


@given(st.text())
def test_words_never_hold_what_separates_facets(text):
    """
    So no word of a text can be the term of a category or a brand.
    """
    assert not any("\x1f" in word for word in to_words(text))


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_ascii_folds_as_all_text_does(text):
    """
    The short way for ASCII gives what the long way gives.
    """
    assert fold(text) + "é" == fold(text + "é")


@pytest.mark.parametrize("text", ["Große Tasse", "ΣΊΣΥΦΟΣ", "\ufb01ne", "ÇAY", "Ⅷ"])
def test_fold_ignores_case(text):
    """
    Text compares equal to its upper and its lower case.
    """
    assert fold(text) == fold(text.upper()) == fold(text.lower())


def test_category_terms_are_the_prefixes_of_the_path():
    """
    Equal names under different parents are different terms; case does not matter.
    """
    home = to_category_terms(["Home", "Light"])

    assert len(home) == 2
    assert home == to_category_terms(["HOME", "light"])
    assert home[0] == to_category_terms(["home"])[0]
    assert home[1] != to_category_terms(["Car", "Light"])[1]
    assert to_category_terms([]) == []


def test_facets_do_not_meet():
    """
    A brand, a category and a word of one name are three terms.
    """
    terms = {to_brand_term("Oak"), *to_category_terms(["Oak"]), *to_words("Oak")}

    assert len(terms) == 3
    assert sum(map(is_brand_term, terms)) == 1
    assert sum(map(is_category_term, terms)) == 1


def test_depth_of_a_category():
    """
    A category's term tells how deep it lies.
    """
    assert [to_depth(term) for term in to_category_terms(["Home", "Light"])] == [1, 2]


@given(st.text(st.characters(exclude_categories=())))
def test_any_term_has_a_hash(term):
    """
    Half surrogate pairs included, a term has a 64-bit identity.
    """
    assert 0 <= term_hash(encode(term)) < 2**64


def test_hash_is_that_of_the_format():
    """
    The identity of a term is on disk, so it may not change unnoticed.
    """
    assert term_hash(b"kettle") == 0x7EFA36CD8630DEB9


@pytest.mark.parametrize(
    ("seen", "like", "unlike"),
    [
        ("Stainless steel kettle", "Kettle, steel", "Oak chair"),
        ("Wasserkocher aus Edelstahl", "WASSERKOCHER, Edelstahl", "Stuhl aus Eiche"),
        ("Bouilloire électrique", "BOUILLOIRE E\u0301LECTRIQUE", "Chaise en chêne"),
        ("Hervidor eléctrico de acero", "Hervidor ELÉCTRICO", "Silla de roble"),
        ("ÇELİK ÇAYDANLIK", "çelik çaydanl\u0131k", "Meşe sandalye"),
        ("steel ki ketli, paani garam karne ke liye", "Ketli steel", "lakdi ki kursi"),
        ("स्टील की केतली", "केतली स्टील", "लकड़ी की कुर्सी"),
        ("不锈钢电热水壶", "小型水壶不锈钢", "橡木椅子"),
        ("ステンレス製の電気ケトル", "電気ケトル 小型", "オーク材の椅子"),
    ],
    ids=["en", "de", "fr", "es", "tr", "hi-latn", "hi", "zh", "ja"],
)
def test_each_language_finds_its_own(seen, like, unlike):
    """
    Two names of one thing have words in common, written as people write them; more
    than with another thing.
    """

    def common(one, other):
        return len({*to_words(one)} & {*to_words(other)})

    assert common(seen, like) > common(seen, unlike)
    assert all(len(to_words(text)) > 1 for text in (seen, like, unlike))
