"""The month as a picture: how long people waited, with the bot and without."""

from datetime import timedelta

from playground.month.tally import Tally

STEP = timedelta(minutes=20)
STEPS = 18
WIDTH, HEIGHT, LEFT, BASE = 720, 320, 60, 260
COLOURS = ("#0f766e", "#94a3b8")


def picture(ruled: Tally, unruled: Tally) -> str:
    """Draw both distributions of waits as an SVG."""
    counts = [_counts(tally) for tally in (ruled, unruled)]
    most = max(max(each) for each in counts)
    bars = "".join(
        _bar(step, which, count, most)
        for which, each in enumerate(counts)
        for step, count in enumerate(each)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="13">'
        f'<title>How long drivers waited for a charger</title><rect width="{WIDTH}" '
        f'height="{HEIGHT}" fill="#fff"/>{_legend(ruled, unruled)}{bars}{_axis()}</svg>\n'
    )


def _counts(tally: Tally) -> list[int]:
    counts = [0] * STEPS
    for wait in tally.waits:
        counts[min(int(wait / STEP), STEPS - 1)] += 1
    return counts


def _bar(step: int, which: int, count: int, most: int) -> str:
    slot = (WIDTH - LEFT - 20) / STEPS
    height = 190 * count / most
    x, y = LEFT + step * slot + which * slot * 0.42, BASE - height
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{slot * 0.4:.1f}" height="{height:.1f}" '
        f'fill="{COLOURS[which]}"/>'
    )


def _legend(ruled: Tally, unruled: Tally) -> str:
    lines = (("with the bot", ruled), ("first come, first plugged", unruled))
    return "".join(
        f'<rect x="{LEFT + 120}" y="{14 + which * 22}" width="12" height="12" '
        f'fill="{COLOURS[which]}"/><text x="{LEFT + 140}" y="{25 + which * 22}">{name}: '
        f"{len(tally.waits)} cars, {tally.walks_in_vain} walks in vain</text>"
        for which, (name, tally) in enumerate(lines)
    )


def _axis() -> str:
    slot = (WIDTH - LEFT - 20) / STEPS
    marks = "".join(
        f'<text x="{LEFT + step * slot:.1f}" y="{BASE + 18}" text-anchor="middle">'
        f"{step // 3} h</text>"
        for step in range(0, STEPS - 3, 3)
    )
    last = f'<text x="{WIDTH - 20}" y="{BASE + 18}" text-anchor="end">6 h or more</text>'
    return (
        f'<line x1="{LEFT}" y1="{BASE}" x2="{WIDTH - 20}" y2="{BASE}" stroke="#334155"/>{marks}'
        f'{last}<text x="{WIDTH / 2}" y="{BASE + 42}" text-anchor="middle">'
        "time from arrival to plug-in; each bar is a number of cars</text>"
    )
