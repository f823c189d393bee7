// Sets GraphiQL up for this server. A plain file, because the page's policy runs no inline script.
(function () {
  "use strict";

  const readStreams = `# Events are kept in streams, one for each game.
# Press the play button.
query Streams {
  head {
    position
  }
  streams(
    first: 5
    orderBy: { field: UPDATED_AT, direction: BACKWARD }
    filter: { categories: ["game"] }
  ) {
    nodes {
      name
      version
      events(last: 3) {
        nodes {
          position
          type
          recordedAt
          payload {
            __typename
            ... on GuessProcessed {
              player1Word
              player2Word
              guessSuccessful
            }
          }
        }
      }
    }
  }
}
`;

  const appendEvent = `# Appends the event in the variables below. Run it
# twice: the event has an id of its own, so the second
# time it is recognised as a retry (duplicate: true),
# and nothing is written again. Then change the eventId
# and run it once more: the stream is no longer at
# version 0.
mutation Append($input: AppendToStreamInput!) {
  appendToStream(input: $input) {
    __typename
    ... on Appended {
      version
      lastPosition
      duplicate
    }
    ... on Refusal {
      code
      message
      retryable
      path
    }
    ... on WrongExpectedVersion {
      actual
    }
  }
}
`;

  const followLog = `# Shows the newest event as it is appended. Start it,
# then run the append in another window: a subscription
# ends when its tab is left.
subscription Follow {
  events(from: { at: END }) {
    __typename
    ... on FeedPoint {
      cursor
      position
    }
    ... on EventReceived {
      event {
        streamName
        streamVersion
        type
        data
      }
    }
  }
}
`;

  const askReadModels = `# What the events come to, in tables that follow the
# log. The ids are those of the sample games.
query ReadModels {
  games(first: 3) {
    nodes {
      gameId
      mode
      phase
      teams {
        teamId
        score
      }
    }
    projectedThrough
  }
  leaderboard(guildId: "888894828901712092", metric: WINS) {
    nodes {
      rank
      subjectId
      value
    }
  }
  teams(guildId: "888894828901712092") {
    nodes {
      name
      status
      playerIds
    }
  }
  errorLog(filter: { guildIds: ["888894828901712092"] }) {
    nodes {
      day
      code
      count
    }
  }
}
`;

  // Random, but not secret: browsers offer crypto.randomUUID on secure pages only.
  function uuid() {
    return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
      (digit ^ ((Math.random() * 16) >> (digit / 4))).toString(16),
    );
  }

  function gameStarted() {
    const game = uuid();
    const players = ["517400303631233767", "1003000043536610074"];
    const team = players.join("_");
    const now = new Date().toISOString();
    return {
      stream: `game-${game}`,
      expectedVersion: { exactly: 0 },
      events: [
        {
          eventId: uuid(),
          type: "game_started",
          data: {
            game_id: game,
            guild_id: "964224541917669458",
            mode: "two_player",
            round_number: 1,
            teams: { [team]: players },
            team_ids: [team],
            player_ids: players,
            config: {},
            started_at: now,
            timestamp: now,
          },
          metadata: { correlation_id: uuid(), source_id: "system:playground", source: "system" },
        },
      ],
    };
  }

  function createFetcher() {
    const socketUrl = location.origin.replace(/^http/, "ws") + "/graphql";
    return GraphiQL.createFetcher({ url: "/graphql", subscriptionUrl: socketUrl });
  }

  const root = document.getElementById("playground");
  if (!window.React || !window.ReactDOM || !window.GraphiQL) {
    root.textContent = "The playground's files are incomplete: fetch them again and rebuild.";
    return;
  }
  const tabs = [
    { query: readStreams },
    { query: appendEvent, variables: JSON.stringify({ input: gameStarted() }, null, 2) },
    { query: followLog },
    { query: askReadModels },
  ];
  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher: createFetcher(),
      defaultTabs: tabs,
      shouldPersistHeaders: false,
    }),
  );
})();
