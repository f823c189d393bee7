"""The figures over many games, the leaderboards and their windows.

A game is {game_id, finished_at, players: [...], teams: [...]} here, as one_game.py works it out.
"""

import calendar
from datetime import timedelta
from fractions import Fraction

from helpers import id_order, instant, ratio, written


def in_time(games):
    """By finished_at, then by game id."""
    return sorted(games, key=lambda game: (instant(game["finished_at"]), game["game_id"].encode()))


def streaks(games, won):
    """The wins at the end of the list, and the longest row of wins in it."""
    letters = "".join("W" if won(game) else "-" for game in in_time(games))
    return len(letters.split("-")[-1]), max(map(len, letters.split("-")))


def latest(games):
    return written(max(instant(game["finished_at"]) for game in games)) if games else None


def player_statistics(user_id, games):
    games = [game for game in games if user_id in [p["user_id"] for p in game["players"]]]
    side = {
        game["game_id"]: next(p for p in game["players"] if p["user_id"] == user_id)
        for game in games
    }
    own = list(side.values())

    def total(key):
        return sum(game[key] for game in own)

    wins = [game for game in own if game["won"]]
    current, longest = streaks(games, lambda game: side[game["game_id"]]["won"])
    partners = {game["partner_id"] for game in own}
    with_partner = [
        {
            "user_id": partner,
            "games_won": len([game for game in wins if game["partner_id"] == partner]),
            "games_played": len([game for game in own if game["partner_id"] == partner]),
        }
        for partner in partners
    ]
    # Most games won together, then most games, then the lower id.
    best_partner = min(
        with_partner,
        key=lambda p: (-p["games_won"], -p["games_played"], id_order(p["user_id"])),
    )
    return {
        "games_played": len(own),
        "games_won": len(wins),
        "win_rate": ratio(len(wins), len(own)) or 0.0,
        "total_guesses": total("guesses"),
        "total_matches": total("matches"),
        "guess_accuracy": ratio(total("matches"), total("guesses")) or 0.0,
        "abandoned_guesses": total("abandoned"),
        "average_guesses_per_match": ratio(total("guesses"), total("matches")),
        "best_match": min(
            (game["best_match"] for game in own if game["best_match"] is not None), default=None),
        "perfect_rounds": total("perfect_rounds"),
        "total_score": total("score"),
        "average_score": ratio(total("score"), len(own)),
        "best_score": max(game["score"] for game in own),
        "average_response_ms": ratio(total("response_ms_sum"), total("response_count")),
        "current_win_streak": current,
        "longest_win_streak": longest,
        "best_partner": best_partner,
        "last_played_at": latest(games),
    }


def team_statistics(team_id, games):
    games = [game for game in games if team_id in [t["team_id"] for t in game["teams"]]]
    side = {
        game["game_id"]: next(t for t in game["teams"] if t["team_id"] == team_id)
        for game in games
    }
    own = list(side.values())

    def total(key):
        return sum(game[key] for game in own)

    def merit(game):
        """Highest score, then fewer average guesses (none is infinite), then earlier."""
        team = side[game["game_id"]]
        average = (
            Fraction(team["guesses"], team["matches"]) if team["matches"] else float("inf")
        )
        return (-team["score"], average, instant(game["finished_at"]), game["game_id"].encode())

    wins = [game for game in own if game["won"]]
    current, longest = streaks(games, lambda game: side[game["game_id"]]["won"])
    best = min(games, key=merit)
    best_side = side[best["game_id"]]
    reasons = [game["eliminated"] for game in own]
    return {
        "games_played": len(own),
        "games_won": len(wins),
        "win_rate": ratio(len(wins), len(own)) or 0.0,
        "total_guesses": total("guesses"),
        "total_matches": total("matches"),
        "abandoned_guesses": total("abandoned"),
        "average_guesses": ratio(total("guesses"), total("matches")),
        "perfect_rounds": total("perfect_rounds"),
        "total_score": total("score"),
        "average_score": ratio(total("score"), len(own)),
        "best_game": {
            "game_id": best["game_id"],
            "score": best_side["score"],
            "average_guesses": ratio(best_side["guesses"], best_side["matches"]),
            "finished_at": best["finished_at"],
        },
        "average_round_ms": ratio(total("round_ms_sum"), total("round_count")),
        "eliminations": dict(
            {
                reason: reasons.count(reason)
                for reason in ["timeout", "max_guesses", "round_loss", "forfeit"]
            },
            unknown=0,
        ),
        "current_win_streak": current,
        "longest_win_streak": longest,
        "last_played_at": latest(games),
    }



# Leaderboards


METRICS = {
    # name: (smaller is better, whether the entry may appear)
    "wins": (lambda e: -e["games_won"], lambda e: True),
    "win_rate": (
        lambda e: -Fraction(e["games_won"], e["games_played"]), lambda e: e["games_played"] >= 5),
    "total_score": (lambda e: -e["total_score"], lambda e: True),
    "average_guesses": (
        lambda e: Fraction(e["total_guesses"], e["total_matches"]),
        lambda e: e["total_matches"] >= 5),
    "perfect_rounds": (lambda e: -e["perfect_rounds"], lambda e: True),
}


def sides(kind, games):
    """Who played, as pairs of an id and one game of that id."""
    if kind == "players":
        return [(p["user_id"], p, game) for game in games for p in game["players"]]
    if kind == "teams":
        return [(t["team_id"], t, game) for game in games for t in game["teams"]]
    return [
        ("_".join(sorted(t["player_ids"], key=id_order)), t, game)
        for game in games for t in game["teams"]
    ]


def entry(wanted, all_sides):
    own = [(side, game) for id_, side, game in all_sides if id_ == wanted]
    wins = [instant(game["finished_at"]) for side, game in own if side["won"]]
    return {
        "id": wanted,
        "games_played": len(own),
        "games_won": len(wins),
        "total_score": sum(side["score"] for side, _ in own),
        "total_guesses": sum(side["guesses"] for side, _ in own),
        "total_matches": sum(side["matches"] for side, _ in own),
        "perfect_rounds": sum(side["perfect_rounds"] for side, _ in own),
        "last_win_at": written(max(wins)) if wins else None,
    }


def leaderboard(kind, metric, games):
    """[[rank, id, value]]: the rank is 1 + the number of entries that are better by more than id."""
    key, may_appear = METRICS[metric]
    all_sides = sides(kind, games)
    entries = [entry(id_, all_sides) for id_ in {id_ for id_, _, _ in all_sides}]
    entries = [e for e in entries if may_appear(e)]

    def merit(e):
        """Equal metric: more wins, lower average, earlier last win."""
        average = (
            Fraction(e["total_guesses"], e["total_matches"])
            if e["total_matches"] else float("inf")
        )
        last_win = e["last_win_at"] or "9999"
        return (key(e), -e["games_won"], average, last_win)

    return [
        [
            1 + len([other for other in entries if merit(other) < merit(e)]),
            e["id"],
            float(abs(key(e))) if metric != "total_score" else float(e["total_score"]),
        ]
        for e in sorted(entries, key=lambda e: (merit(e), id_order(e["id"])))
    ]


def leaderboards(games):
    return {
        f"{kind} {metric}": leaderboard(kind, metric, games)
        for kind in ["players", "teams", "pairs"] for metric in METRICS
    }


def windows(now):
    """The first instant of each window, and the first after it."""
    at = instant(now)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight.replace(day=1)
    days = calendar.monthrange(at.year, at.month)[1]
    monday = midnight - timedelta(days=at.isoweekday() - 1)
    return {
        "now": now,
        "month": [written(first), written(first + timedelta(days=days))],
        "week": [written(monday), written(monday + timedelta(weeks=1))],
        "day": [written(at - timedelta(days=1)), written(at + timedelta(microseconds=1))],
    }


NOWS = [
    "2025-03-12T18:04:05.218341Z",
    "2024-02-29T12:00:00.000000Z",
    "2023-02-28T23:59:59.999999Z",
    "2025-12-31T23:59:59.999999Z",
    "2026-01-01T00:00:00.000000Z",
    "2025-03-16T23:59:59.999999Z",
    "2025-03-17T00:00:00.000000Z",
    "2024-12-30T06:30:00.000001Z",
]
