// Subscriptions, with the clients of both protocols and what browsers have: events come, and who was away misses nothing.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { after, test } from 'node:test';
import { EventSource } from 'eventsource';
import { createClient as overEvents } from 'graphql-sse';
import { createClient as overSocket } from 'graphql-ws';
import WebSocket from 'ws';
import { administrator, ask, draft, url } from './server.mjs';

const socketUrl = url.replace(/^http/, 'ws');
const published = 'subscription Published($after: String) { articlePublished(after: $after) { cursor article { id title } } }';

/** Makes an article that the public can see. */
async function publish(t) {
  const { id, version } = await draft(t);
  const { publishArticle } = await ask(
    'mutation ($input: PublishArticleInput!) { publishArticle(input: $input) { article { id } userErrors { path message } } }',
    { input: { id, version } }, administrator);
  assert.deepEqual(publishArticle.userErrors, []);
  return id;
}

/** The next event about an article; others come from other tests. */
async function told(events, id) {
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(!done, 'the subscription ended');
    assert.equal(value.errors, undefined);
    const event = value.data.articlePublished;
    if (event.article.id === id) return event;
  }
}

/** Where the feed is now: what is published from here on comes to who begins here, however late. */
async function here() {
  const stream = new AbortController();
  const answer = await fetch(url, {
    method: 'POST', signal: stream.signal,
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: published }),
  });
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    const id = /^id: (.+)$/m.exec((text += chunk));
    if (id) {
      stream.abort();
      return id[1];
    }
  }
  throw new Error(text);
}

const clients = {
  'graphql-ws': () => overSocket({ url: socketUrl, webSocketImpl: WebSocket, lazy: true }),
  'graphql-sse': () => overEvents({ url }),
  'graphql-sse by GET': () => overEvents({ url, method: 'GET' }),
};

for (const [name, make] of Object.entries(clients)) {
  test(`${name}: events come, and who was away misses nothing`, async (t) => {
    const client = make();
    after(() => client.dispose());
    const events = client.iterate({ query: published, variables: { after: await here() } });
    const { cursor, article } = await told(events, await publish(t));
    assert.equal(article.title, 'Entwurf für einen Client');
    await events.return();
    const missed = await publish(t);
    await told(client.iterate({ query: published, variables: { after: cursor } }), missed);
  });

  test(`${name}: a query has one answer, what is wrong has a code`, async () => {
    const client = make();
    after(() => client.dispose());
    const answers = [];
    for await (const answer of client.iterate({ query: '{ municipality(key: "09461000") { name } }' })) answers.push(answer);
    assert.deepEqual(answers, [{ data: { municipality: { name: 'Bamberg' } } }]);
    const codes = [];
    try {
      for await (const answer of client.iterate({ query: published, variables: { after: 'nonsense' } })) codes.push(...answer.errors);
    } catch (errors) { // over a WebSocket
      codes.push(...errors);
    }
    assert.deepEqual(codes.map(({ extensions }) => extensions.code), ['BAD_USER_INPUT']);
  });
}

test('graphql-ws: a token comes with the first message', async () => {
  const client = overSocket({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: administrator, retryAttempts: 0 });
  after(() => client.dispose());
  const { value } = await client.iterate({ query: '{ viewer { role } }' }).next();
  assert.equal(value.data.viewer.role, 'ADMIN');
  const stranger = overSocket({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { authorization: 'Bearer sgt_x' }, retryAttempts: 0 });
  await assert.rejects(stranger.iterate({ query: '{ __typename }' }).next(), ({ code }) => code === 4403);
});

test('graphql-ws: a mutation runs, too', async (t) => {
  const client = overSocket({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: administrator });
  after(() => client.dispose());
  const { id, version } = await draft(t);
  const { value } = await client.iterate({
    query: 'mutation ($input: PublishArticleInput!) { publishArticle(input: $input) { article { publicationStatus } userErrors { path } } }',
    variables: { input: { id, version } },
  }).next();
  assert.deepEqual(value.data.publishArticle, { article: { publicationStatus: 'PUBLISHED' }, userErrors: [] });
});

test('EventSource: it begins again where it was cut off', async (t) => {
  const lines = new Set();
  const { hostname, port } = new URL(url);
  const proxy = createServer((from) => {
    const to = connect(port, hostname);
    lines.add(from);
    from.pipe(to).pipe(from);
    for (const end of [from, to]) end.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  after(() => proxy.close());
  const address = new URL(url);
  address.port = proxy.address().port;
  address.searchParams.set('query', published);
  address.searchParams.set('variables', JSON.stringify({ after: await here() }));
  const source = new EventSource(address);
  t.after(() => {
    source.close();
    for (const line of lines) line.destroy();
  });
  const seen = [];
  let wake = () => {};
  source.addEventListener('next', ({ data, lastEventId }) => {
    const { cursor, article } = JSON.parse(data).data.articlePublished;
    assert.equal(lastEventId, cursor);
    seen.push(article.id);
    wake();
  });
  const came = async (id) => {
    while (!seen.includes(id)) await new Promise((resolve) => { wake = resolve; });
  };
  await came(await publish(t));
  for (const line of lines) line.destroy();
  await came(await publish(t));
  assert.equal(lines.size, 2);
  assert.equal(new Set(seen).size, seen.length, 'something came twice');
});
