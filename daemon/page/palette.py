"""The colours of a page, in light and dark. A test checks the contrast of each text on what is behind it."""

LIGHT = {
    "back": "#f4f5f8",
    "card": "#ffffff",
    "edge": "#dde1e9",
    "text": "#18202c",
    "soft": "#566072",
    "track": "#eceff4",
    "alarm": "#c2410c",
    "calm": "#2563eb",
    "good": "#15803d",
    "gap": "#9a6700",
    "heat-1": "#d6e4ff",
    "heat-2": "#a3c2ff",
    "heat-3": "#6494f5",
    "heat-4": "#2f62d9",
    "heat-5": "#143a94",
}
DARK = {
    "back": "#0f1319",
    "card": "#181d26",
    "edge": "#2b3340",
    "text": "#e8ecf3",
    "soft": "#a4afc0",
    "track": "#232a35",
    "alarm": "#fb8a4c",
    "calm": "#6ea8fe",
    "good": "#4ade80",
    "gap": "#e3b341",
    "heat-1": "#1e3358",
    "heat-2": "#2a4c8f",
    "heat-3": "#3e6fd0",
    "heat-4": "#7ba5f7",
    "heat-5": "#c9dcff",
}

TEXTS = tuple((text, behind) for text in ("text", "soft", "alarm", "good") for behind in ("card", "back"))
"""What is written, and on what."""
SHAPES = tuple((shape, "card") for shape in ("alarm", "calm", "gap"))
"""What is drawn, and on what."""


def contrast(one: str, other: str) -> float:
    """The ratio of their luminances, from 1 to 21 (w3.org/TR/WCAG22, contrast ratio)."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    linear: float = channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
    return linear
