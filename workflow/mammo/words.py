"""Numbers and names as a person reads them."""


def duration(seconds):
    """Seconds in words, as exact as anybody needs: '<1 s', '27 s', '2 min 31 s', '1 h 05 min', '2 d 3 h'."""
    if seconds < 1:
        return "<1 s"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"
