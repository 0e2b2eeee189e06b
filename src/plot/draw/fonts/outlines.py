"""Writes `DejaVuSans-outlines.txt`, the shapes of the letters that figures are set in, from `DejaVuSans-subset.ttf`.

One line a character: its code in hexadecimal, its advance, then SVG path data (M, L, Q, Z; y upwards), all in units of
1/2048 em. Needs fonttools. To add letters, first make the subset anew, with the old codes among the new ones:
`pyftsubset DejaVuSans.ttf --unicodes=… --no-hinting --layout-features='' --output-file=DejaVuSans-subset.ttf`.
"""

from pathlib import Path

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

folder = Path(__file__).parent
font = TTFont(folder / "DejaVuSans-subset.ttf")
glyphs, advances = font.getGlyphSet(), font["hmtx"].metrics
assert font["head"].unitsPerEm == 2048


def path(name):
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    words = []
    for operator, points in pen.value:
        if operator == "moveTo":
            words.append("M{} {}".format(*points[0]))
        elif operator == "lineTo":
            words.append("L{} {}".format(*points[0]))
        elif operator == "qCurveTo":
            # Between two control points lies a point of the curve, half-way.
            *controls, end = points
            if end is None:  # a contour of control points alone
                raise ValueError(name)
            for i, (x, y) in enumerate(controls):
                last = i + 1 == len(controls)
                to = end if last else ((x + controls[i + 1][0]) / 2, (y + controls[i + 1][1]) / 2)
                words.append("Q{} {} {:g} {:g}".format(x, y, *to))
        elif operator == "closePath":
            words.append("Z")
        else:
            raise ValueError(operator)
    return "".join(words)


lines = [f"{code:x} {advances[name][0]} {path(name)}".rstrip() for code, name in sorted(font.getBestCmap().items())]
(folder / "DejaVuSans-outlines.txt").write_text("\n".join(lines) + "\n")
