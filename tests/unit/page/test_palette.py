"""Each text can be read, and each shape told apart, in light and dark."""

import re

import pytest

from daemon.page.palette import DARK, LIGHT, SHAPES, TEXTS, contrast
from daemon.page.style import rules

THEMES = {"light": LIGHT, "dark": DARK}


@pytest.mark.parametrize("theme", THEMES)
def test_texts_have_a_contrast_of_at_least_four_and_a_half(theme: str) -> None:
    colours = THEMES[theme]
    found = {(text, behind): contrast(colours[text], colours[behind]) for text, behind in TEXTS}
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_shapes_have_a_contrast_of_at_least_three(theme: str) -> None:
    colours = THEMES[theme]
    found = {(shape, behind): contrast(colours[shape], colours[behind]) for shape, behind in SHAPES}
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < 3} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_each_shade_of_heat_stands_out_more_than_the_one_before(theme: str) -> None:
    colours = THEMES[theme]
    found = [contrast(colours[f"heat-{shade}"], colours["card"]) for shade in range(1, 6)]
    assert found == sorted(found)
    assert contrast(colours["heat-1"], colours["track"]) > 1.05


def test_the_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def test_both_themes_have_the_same_colours_and_the_style_sheet_uses_no_other() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert set(re.findall(r"var\(--([\w-]+)\)", rules())) == LIGHT.keys()


def test_the_style_sheet_loads_nothing() -> None:
    assert not re.search(r"url\(|@import|@font-face|expression", rules())
