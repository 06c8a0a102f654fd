"""One trace as a picture: the unit and each of its steps as a bar, drawn from segment documents."""

from collections.abc import Sequence
from html import escape

from bot.waterfall import Piece, Row, rows
from playground.xray import Document, piece

WIDTH, LEFT, RIGHT = 860, 250, 90
TOP, ROW = 62, 24
COLOURS = {
    "aws": "#4f46e5",
    "remote": "#d97706",
    "inside": "#0f766e",
    "failed": "#b91c1c",
    "unit": "#475569",
}
LEGEND = (("aws", "DynamoDB"), ("remote", "Slack and ChargePoint"), ("inside", "the bot itself"))


def picture(documents: Sequence[Document]) -> str:
    """Draw the trace whose segment is the last of the documents."""
    drawn = rows([*map(piece, documents)])
    kinds = {document["id"]: _kind(document) for document in documents}
    root, height = drawn[0].piece, TOP + ROW * len(drawn) + 14
    title = f"{root.name}: {root.took:.0f} ms"
    bars = "".join(_bar(n, row, root, kinds[row.piece.id]) for n, row in enumerate(drawn))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="sans-serif" font-size="13">'
        f"<title>Where the time of one command went</title>"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f'<text x="14" y="26" font-size="16" font-weight="bold">{escape(title)}</text>'
        f"{_legend()}{bars}</svg>\n"
    )


def _kind(document: Document) -> str:
    if any(document.get(flag) for flag in ("fault", "error")):
        return "failed"
    if "type" not in document:
        return "unit"
    return str(document.get("namespace", "inside"))


def _bar(number: int, row: Row, root: Piece, kind: str) -> str:
    y, scale = TOP + ROW * number, (WIDTH - LEFT - RIGHT) / max(root.took, 1e-6)
    x = LEFT + 1000 * (row.piece.begin - root.begin) * scale
    width = max(row.piece.took * scale, 1.5)
    indent = 14 + 4.5 * len(row.branch)
    return (
        f'<text x="{indent:.0f}" y="{y + 13}" fill="#334155">{escape(row.piece.name)}</text>'
        f'<rect x="{x:.1f}" y="{y + 2}" width="{width:.1f}" height="14" rx="2" '
        f'fill="{COLOURS[kind]}"/>'
        f'<text x="{x + width + 6:.1f}" y="{y + 13}" font-size="11" fill="#64748b">'
        f"{row.piece.took:.1f} ms</text>"
    )


def _legend() -> str:
    return "".join(
        f'<rect x="{LEFT + 190 * place}" y="36" width="11" height="11" rx="2" '
        f'fill="{COLOURS[kind]}"/>'
        f'<text x="{LEFT + 190 * place + 17}" y="46" fill="#334155">{name}</text>'
        for place, (kind, name) in enumerate(LEGEND)
    )
