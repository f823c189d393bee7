// Sets GraphiQL up for this server. A plain file, because the page's policy runs no inline script.
(function () {
  "use strict";

  const readEvents = `# Events are kept in streams, one stream for each game. Press the play button.
query Streams {
  streams(first: 5) {
    nodes {
      name
      version
      events(last: 3) {
        nodes {
          position
          type
          data
        }
      }
    }
  }
}
`;

  const appendEvent = `# Appends one event. Run it twice: the second time the stream already has a version,
# so the expected version is wrong, and the answer says which one it is.
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
    }
    ... on WrongExpectedVersion {
      actual
    }
  }
}
`;

  const appendVariables = {
    input: {
      stream: "game-playground",
      expectedVersion: { state: "NO_STREAM" },
      events: [
        {
          type: "GameStarted",
          data: { game_id: "playground" },
          metadata: { source: "playground" },
        },
      ],
    },
  };

  const followEvents = `# Shows events as they are appended. Start it, then run the append in its own tab.
subscription Follow {
  events(from: { at: END }) {
    __typename
    ... on EventReceived {
      cursor
      event {
        position
        streamName
        type
        data
      }
    }
    ... on CaughtUp {
      cursor
      position
    }
  }
}
`;

  const socketUrl = location.origin.replace(/^http/, "ws") + "/graphql";

  function createFetcher() {
    const options = { url: "/graphql" };
    if (window.graphqlWs) {
      options.wsClient = window.graphqlWs.createClient({ url: socketUrl });
    } else {
      options.subscriptionUrl = socketUrl;
    }
    return GraphiQL.createFetcher(options);
  }

  const root = document.getElementById("playground");
  if (!window.React || !window.ReactDOM || !window.GraphiQL) {
    root.textContent = "The playground's files are incomplete: fetch them again and rebuild.";
    return;
  }
  const tabs = [
    { query: readEvents },
    { query: appendEvent, variables: JSON.stringify(appendVariables, null, 2) },
    { query: followEvents },
  ];
  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher: createFetcher(),
      defaultTabs: tabs,
      shouldPersistHeaders: false,
    }),
  );
})();
