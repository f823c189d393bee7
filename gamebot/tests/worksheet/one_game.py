"""The figures of one game, each asked of the whole list of its events."""

from datetime import timedelta

from helpers import instant, microseconds, ratio


class Game:
    """The events of one game, as lists that can be asked."""

    def __init__(self, events):
        self.events = [
            dict(event["data"], type=event["type"], version=index + 1,
                 schema=event["schemaVersion"], event_id=event["metadata"]["event_id"])
            for index, event in enumerate(events)
        ]
        self.start = self.of("game_started")[0]
        self.end = self.of("game_completed")[0]
        self.team_ids = self.start["team_ids"]
        # An attempt is a pair of words or an abandoned one.
        self.attempts = self.of("guess_processed", "guess_abandoned")

    def of(self, *types):
        return [event for event in self.events if event["type"] in types]

    # -- guesses ----------------------------------------------------------------------------

    def duration_before(self, attempt):
        """guess_duration of the team's previous attempt in the same round, 0 for the first.

        round_guess_count numbers the attempts of a team in a round, so the previous one is the one
        whose number is lower by one.
        """
        if attempt["round_guess_count"] == 1:
            return 0
        [previous] = [
            other for other in self.attempts
            if other["team_id"] == attempt["team_id"]
            and other["round_number"] == attempt["round_number"]
            and other["round_guess_count"] == attempt["round_guess_count"] - 1
        ]
        return previous.get("guess_duration")

    def time_since_last(self, attempt, duration):
        """duration - duration of the previous attempt; None when unknown or negative."""
        before = self.duration_before(attempt)
        if duration is None or before is None or duration < before:
            return None
        return duration - before

    def attempt_ms(self, attempt):
        return self.time_since_last(attempt, attempt.get("guess_duration"))

    def guesses(self):
        def word(attempt, player):
            if attempt["type"] == "guess_processed":
                return attempt[player + "_word"]
            last = attempt["last_guess"]
            return last["word"] if last and last["player_id"] == attempt[player + "_id"] else None

        def outcome(attempt):
            if attempt["type"] == "guess_abandoned":
                return "abandoned"
            return "match" if attempt["guess_successful"] else "miss"

        return [
            {
                "sequence": place + 1,
                "round_number": attempt["round_number"],
                "team_id": attempt["team_id"],
                "player1_id": attempt["player1_id"],
                "player2_id": attempt["player2_id"],
                "player1_word": word(attempt, "player1"),
                "player2_word": word(attempt, "player2"),
                "outcome": outcome(attempt),
                "match_score": attempt["match_score"] if outcome(attempt) == "match" else None,
                "guess_count": attempt["guess_count"],
                "attempt_ms": self.attempt_ms(attempt),
                "at": attempt["timestamp"],
                "event_id": attempt["event_id"],
                "stream_version": attempt["version"],
            }
            for place, attempt in enumerate(self.attempts)
        ]

    # -- rounds -----------------------------------------------------------------------------

    def paused(self, begin, end):
        """How much of the time from begin to end the game was paused."""
        pauses = [instant(event["timestamp"]) for event in self.of("game_paused")]
        resumes = [instant(event["timestamp"]) for event in self.of("game_resumed")]
        resumes += [end] * (len(pauses) - len(resumes))
        overlaps = [min(end, resume) - max(begin, pause) for pause, resume in zip(pauses, resumes)]
        return sum((span for span in overlaps if span > timedelta(0)), timedelta(0))

    def ends_round(self, event, team_id, round_number):
        """Whether the event is one after which the team does not play the round any more."""
        kind, of_team, in_round = (
            event["type"],
            event.get("team_id") == team_id,
            event["round_number"] == round_number,
        )
        return (
            kind == "guess_processed" and of_team and in_round and event["guess_successful"]
            or kind == "team_eliminated" and of_team
            or kind == "round_completed" and event["winner_team_id"] == team_id and in_round
            or kind in ("round_ended", "knockout_round_completed", "longform_day_ended") and in_round
            or kind in ("race_mode_time_expired", "game_completed", "game_aborted")
        )

    def rounds(self):
        rows = []
        for opening in self.of("round_started"):
            for team_id in opening["team_states"]:
                number = opening["round_number"]
                attempts = [
                    attempt for attempt in self.attempts
                    if attempt["team_id"] == team_id and attempt["round_number"] == number
                ]
                matches = [attempt for attempt in attempts if attempt.get("guess_successful")]
                last = next(
                    event for event in self.events
                    if event["version"] > opening["version"]
                    and self.ends_round(event, team_id, number)
                )
                begin, end = instant(opening["timestamp"]), instant(last["timestamp"])
                played = end - begin - self.paused(begin, end)
                rows.append({
                    "round_number": number,
                    "team_id": team_id,
                    "attempts": len(attempts),
                    "matches": len(matches),
                    "abandoned": len(attempts) - len(
                        [a for a in attempts if a["type"] == "guess_processed"]),
                    "perfect": any(match["guess_count"] == 1 for match in matches),
                    "duration_ms": microseconds(played) // 1000,
                    "started_at": opening["timestamp"],
                    "finished_at": last["timestamp"],
                })
        return rows

    # -- players ----------------------------------------------------------------------------

    def team_of(self, user_id):
        [team_id] = [team for team, users in self.start["teams"].items() if user_id in users]
        return team_id

    def player(self, user_id):
        team_id = self.team_of(user_id)
        # P = guess_processed with the player as player1 or player2.
        taken_part = [
            guess for guess in self.of("guess_processed")
            if user_id in (guess["player1_id"], guess["player2_id"])
        ]
        matches = [guess for guess in taken_part if guess["guess_successful"]]
        own_durations = [
            (guess, guess["player1_duration" if guess["player1_id"] == user_id
                          else "player2_duration"])
            for guess in taken_part
        ]
        responses = [self.time_since_last(guess, duration) for guess, duration in own_durations]
        responses = [response for response in responses if response is not None]
        [partner] = [user for user in self.start["teams"][team_id] if user != user_id]
        return {
            "user_id": user_id,
            "team_id": team_id,
            "partner_id": partner,
            "won": team_id in self.end["winners"],
            "score": self.end["final_scores"][team_id]["score"],
            "guesses": len(taken_part),
            "matches": len(matches),
            # A = guess_abandoned with the player as abandoning player.
            "abandoned": len([
                guess for guess in self.of("guess_abandoned")
                if guess["abandoning_player_id"] == user_id
            ]),
            "best_match": min((match["guess_count"] for match in matches), default=None),
            "perfect_rounds": len([match for match in matches if match["guess_count"] == 1]),
            "response_ms_sum": sum(responses),
            "response_count": len(responses),
        }

    # -- teams ------------------------------------------------------------------------------

    def team(self, team_id):
        final = self.end["final_scores"][team_id]
        solved = [
            row["duration_ms"] for row in self.rounds()
            if row["team_id"] == team_id and row["matches"] > 0
        ]
        reasons = [
            event["reason"] for event in self.of("team_eliminated") if event["team_id"] == team_id
        ]
        return {
            "team_id": team_id,
            "player_ids": self.start["teams"][team_id],
            "won": team_id in self.end["winners"],
            "score": final["score"],
            "guesses": final["total_guesses"],
            "matches": final["matches"],
            "abandoned": len([
                guess for guess in self.of("guess_abandoned") if guess["team_id"] == team_id
            ]),
            "average_guesses": ratio(final["total_guesses"], final["matches"]),
            "perfect_rounds": len([
                guess for guess in self.of("guess_processed")
                if guess["team_id"] == team_id and guess["guess_successful"]
                and guess["guess_count"] == 1
            ]),
            "round_ms_sum": sum(solved),
            "round_count": len(solved),
            "eliminated": reasons[0] if reasons else None,
        }

    # -- the game ---------------------------------------------------------------------------

    def seconds(self):
        """Whole seconds from started_at to finished_at."""
        return (instant(self.end["finished_at"]) - instant(self.start["started_at"])) \
            // timedelta(seconds=1)

    def base(self):
        return {
            "duration_seconds": self.seconds(),
            "total_guesses": len(self.attempts),
            "player_count": len(self.start["player_ids"]),
            "team_count": len(self.team_ids),
            "rounds": max(event["round_number"] for event in self.of("round_started")),
        }

    def mode_figures(self):
        mode = self.start["mode"]
        figures = {
            "two_player": self.two_player,
            "knockout": lambda: self.elimination("knockout_round_completed"),
            "longform": lambda: self.elimination("longform_day_ended"),
            "race": self.race,
            "golf_race": self.golf_race,
        }[mode]()
        return dict(figures, mode=mode)

    def two_player(self):
        """Successful and failed attempts, score per team, average attempt time, succeeded."""
        times = [self.attempt_ms(attempt) for attempt in self.attempts]
        times = [time for time in times if time is not None]
        hits = [attempt for attempt in self.attempts if attempt.get("guess_successful")]
        return {
            "successful_attempts": len(hits),
            "failed_attempts": len(self.attempts) - len(hits),
            "scores": [
                {"team_id": team_id, "score": self.end["final_scores"][team_id]["score"]}
                for team_id in self.team_ids
            ],
            "average_attempt_ms": ratio(sum(times), len(times)),
            "succeeded": self.of("two_player_result_evaluated")[0]["succeeded"],
        }

    def elimination(self, closing_type):
        """Rounds played, eliminations per round, per team elimination round, attempts, matches."""
        out = {
            event["team_id"]: event["round_number"] for event in self.of("team_eliminated")
        }
        return {
            "rounds_played": len(self.of(closing_type)),
            "eliminations": [
                {
                    "round_number": number,
                    "team_ids": [team for team in self.team_ids if out.get(team) == number],
                }
                for number in sorted(set(out.values()))
            ],
            "teams": [
                {
                    "team_id": team_id,
                    "elimination_round": out.get(team_id),
                    "attempts": len([a for a in self.attempts if a["team_id"] == team_id]),
                    "matches": len([
                        a for a in self.attempts
                        if a["team_id"] == team_id and a.get("guess_successful")
                    ]),
                }
                for team_id in self.team_ids
            ],
        }

    def winners(self):
        return [team_id for team_id in self.team_ids if team_id in self.end["winners"]]

    def matches_of(self, team_id):
        return [
            guess for guess in self.of("guess_processed")
            if guess["team_id"] == team_id and guess["guess_successful"]
        ]

    def race(self):
        """Matches per team, matches per minute (matches x 60 / duration), winner."""
        return {
            "teams": [
                {
                    "team_id": team_id,
                    "matches": len(self.matches_of(team_id)),
                    "matches_per_minute": ratio(
                        len(self.matches_of(team_id)) * 60, self.seconds()),
                }
                for team_id in self.team_ids
            ],
            "winners": self.winners(),
        }

    def golf_race(self):
        """Points per team, points per match, best round."""

        def gave_up(team_id, number):
            return len([
                event for event in self.of("guess_abandoned")
                if event["team_id"] == team_id and event["round_number"] == number
                and event["reason"] == "gave_up"
            ])

        def best_round(team_id):
            solved = [
                {
                    "round_number": match["round_number"],
                    "points": match["match_score"] - gave_up(team_id, match["round_number"]),
                    "attempts": match["round_guess_count"],
                }
                for match in self.matches_of(team_id)
            ]
            return min(
                solved,
                key=lambda r: (-r["points"], r["attempts"], r["round_number"]),
                default=None,
            )

        def points(team_id):
            give_ups = [
                event for event in self.of("guess_abandoned")
                if event["team_id"] == team_id and event["reason"] == "gave_up"
            ]
            return sum(match["match_score"] for match in self.matches_of(team_id)) - len(give_ups)

        return {
            "teams": [
                {
                    "team_id": team_id,
                    "points": points(team_id),
                    "points_per_match": ratio(points(team_id), len(self.matches_of(team_id))),
                    "best_round": best_round(team_id),
                }
                for team_id in self.team_ids
            ],
            "winners": self.winners(),
        }

    def schema_versions(self):
        counted = self.events[:self.end["version"]]
        return {
            kind: sorted({event["schema"] for event in counted if event["type"] == kind})
            for kind in sorted({event["type"] for event in counted})
        }

    def result(self):
        rosters = [self.start["teams"][team_id] for team_id in self.team_ids]
        return {
            "game_id": self.start["game_id"],
            "guild_id": self.start["guild_id"],
            "mode": self.start["mode"],
            "started_at": self.start["started_at"],
            "finished_at": self.end["finished_at"],
            "completed_at": self.end["timestamp"],
            "duration_s": self.seconds(),
            "event_count": self.end["version"],
            "players": [self.player(user) for roster in rosters for user in roster],
            "teams": [self.team(team_id) for team_id in self.team_ids],
            "base": self.base(),
            "mode_figures": self.mode_figures(),
            "schema_versions": self.schema_versions(),
        }
