// The GraphiQL page. What differs from server to server (the endpoint, the
// example operations) stands in the page as JSON; this file reads it.
import {createRoot} from 'react-dom/client';
import {GraphiQL} from 'graphiql';
import {getOperationAST} from 'graphql';
import {createClient} from 'graphql-sse';
import {setNonce} from 'get-nonce';
import 'graphiql/style.css';
import './style.css';

const config = JSON.parse(document.getElementById('config').textContent);

// Dialogs and menus add a <style> while they are open; the page's policy
// admits those that carry its nonce.
setNonce(document.querySelector('meta[property="csp-nonce"]').nonce);

const endpoint = new URL(config.endpoint, document.baseURI);

// Subscriptions come as server-sent events.
function fetcher(params, options) {
  const operation = options?.documentAST && getOperationAST(options.documentAST, params.operationName);
  if (operation?.operation === 'subscription') {
    return createClient({url: endpoint.href, headers: options.headers, retryAttempts: 0}).iterate(params);
  }
  return ask(params, options);
}

async function ask(params, options) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json;q=0.9',
      ...options?.headers,
    },
    body: JSON.stringify(params),
  });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's error page, a refused request: show what came.
    return {errors: [{message: `HTTP ${response.status} ${response.statusText}: ${text.slice(0, 2000)}`}]};
  }
}

// Keys of our own in localStorage: on localhost other GraphiQL pages share it.
const prefix = 'stadtgraph:';
const ownKeys = () => Object.keys(localStorage).filter(key => key.startsWith(prefix));
const storage = {
  get length() {
    return ownKeys().length;
  },
  getItem: key => localStorage.getItem(prefix + key),
  setItem: (key, value) => localStorage.setItem(prefix + key, value),
  removeItem: key => localStorage.removeItem(prefix + key),
  clear: () => ownKeys().forEach(key => localStorage.removeItem(key)),
};

// On a browser's first visit the examples become its tabs, as if it had left
// them open; later visits find their own tabs again. GraphiQL's own prop for
// this, defaultTabs, forgets the first tab's variables, and the next visit
// shows that tab twice.
if (!storage.getItem('graphiql:tabState') && config.examples.length > 0) {
  const tabs = config.examples.map(({query, variables}, i) => {
    const operationName = /^(?:query|mutation|subscription)\s+(\w+)/m.exec(query)?.[1] ?? null;
    return {
      id: `example-${i}`,
      title: operationName ?? '<untitled>',
      query,
      variables: variables || null,
      headers: null,
      operationName,
      response: null,
    };
  });
  storage.setItem('graphiql:tabState', JSON.stringify({tabs, activeTabIndex: 0}));
  storage.setItem('graphiql:query', tabs[0].query);
  storage.setItem('graphiql:variables', tabs[0].variables ?? '');
}

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL fetcher={fetcher} storage={storage} defaultEditorToolsVisibility="variables">
    <GraphiQL.Logo>stadtgraph</GraphiQL.Logo>
  </GraphiQL>,
);
