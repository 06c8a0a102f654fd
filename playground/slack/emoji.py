"""The few emoji names that a charging bot is likely to use; any other stays as it is written."""

import re

_EMOJI = {
    "+1": "👍",
    "alarm_clock": "⏰",
    "arrow_right": "➡️",
    "battery": "🔋",
    "bell": "🔔",
    "blue_car": "🚙",
    "bulb": "💡",
    "busts_in_silhouette": "👥",
    "calendar": "📅",
    "car": "🚗",
    "clock3": "🕒",
    "construction": "🚧",
    "electric_plug": "🔌",
    "eyes": "👀",
    "fuelpump": "⛽",
    "green_circle": "🟢",
    "hand": "✋",
    "heavy_check_mark": "✔️",
    "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳",
    "information_source": "ℹ️",  # noqa: RUF001 - the sign itself
    "large_blue_circle": "🔵",
    "large_green_circle": "🟢",
    "large_yellow_circle": "🟡",
    "lock": "🔒",
    "mega": "📣",
    "no_entry": "⛔",
    "oncoming_automobile": "🚘",
    "parking": "🅿️",
    "pray": "🙏",
    "question": "❓",
    "rainbow": "🌈",
    "red_circle": "🔴",
    "rocket": "🚀",
    "sleeping": "😴",
    "slightly_smiling_face": "🙂",
    "smile": "😄",
    "snail": "🐌",
    "sparkles": "✨",
    "stopwatch": "⏱️",
    "sunny": "☀️",
    "tada": "🎉",
    "thumbsup": "👍",
    "traffic_light": "🚥",
    "vertical_traffic_light": "🚦",
    "warning": "⚠️",
    "wave": "👋",
    "white_check_mark": "✅",
    "white_circle": "⚪",
    "wrench": "🔧",
    "x": "❌",
    "zap": "⚡",
    "zzz": "💤",
}


def with_emoji(text: str) -> str:
    """Spell known `:names:` as the signs themselves."""
    return re.sub(r":([a-z0-9_+-]{1,40}):", lambda name: _EMOJI.get(name[1], name[0]), text)


def emoji_named(name: str) -> str:
    """Answer the sign of this name, or the name itself in colons."""
    return _EMOJI.get(name, f":{name}:")
