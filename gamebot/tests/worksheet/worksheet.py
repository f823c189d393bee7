#!/usr/bin/env python3
"""Works out the figures of games from their events, by hand so to speak.

It is the other opinion that the crate's statistics are compared with, so it is written from the
definitions of the figures and shares nothing with the crate: where the crate folds event by event,
this script asks the whole list of events one question for each figure.

    worksheet.py              prints figures.json: the sample games and season.json
    worksheet.py GAME.json …  prints the figures of these games only

A game is a list of {type, schemaVersion, data, metadata} in stream order. Only the standard library
is needed.
"""

import json
import sys
from pathlib import Path

from many_games import NOWS, leaderboards, player_statistics, team_statistics, windows
from one_game import Game

HERE = Path(__file__).resolve().parent
SAMPLES = ["two_player", "knockout", "race"]


def game_sheet(events):
    game = Game(events)
    return {"guesses": game.guesses(), "rounds": game.rounds(), "result": game.result()}


def many_games(games):
    users = {p["user_id"] for game in games for p in game["players"]}
    teams = {t["team_id"] for game in games for t in game["teams"]}
    return {
        "players": {user: player_statistics(user, games) for user in sorted(users)},
        "teams": {team: team_statistics(team, games) for team in sorted(teams)},
        "leaderboards": leaderboards(games),
    }


def season_games():
    """The games of season.json with the fields of a player's side filled in from the team."""
    games = json.loads((HERE / "season.json").read_text())
    for game in games:
        for team in game["teams"]:
            first, second = team["players"]
            team["player_ids"] = [first["user_id"], second["user_id"]]
            for player, partner in ((first, second), (second, first)):
                player.update(
                    team_id=team["team_id"], partner_id=partner["user_id"],
                    won=team["won"], score=team["score"])
        game["players"] = [player for team in game["teams"] for player in team["players"]]
    return games


def whole_sheet():
    sheets = {
        name: game_sheet(json.loads((HERE / f"../../samples/{name}.json").read_text()))
        for name in SAMPLES
    }
    season = season_games()
    return {
        "games": sheets,
        "samples": many_games([sheet["result"] for sheet in sheets.values()]),
        "season": many_games(season),
        # Games 6 to 11, in which two teams always did the same: full of shared ranks.
        "twins": {"leaderboards": leaderboards(season[5:11])},
        "windows": [windows(now) for now in NOWS],
    }


def lay_out(value, depth=0):
    """JSON with what fits into a line in one line, so that a change can be reviewed."""
    flat = json.dumps(value)
    if len(flat) + depth <= 700 or not isinstance(value, (dict, list)) or not value:
        return flat
    pad = " " * (depth + 1)
    if isinstance(value, dict):
        lines = [f"{pad}{json.dumps(k)}: {lay_out(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"
    lines = [pad + lay_out(v, depth + 1) for v in value]
    return "[\n" + ",\n".join(lines) + "\n" + " " * depth + "]"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(lay_out([game_sheet(json.loads(Path(name).read_text())) for name in sys.argv[1:]]))
    else:
        print(lay_out(whole_sheet()))
