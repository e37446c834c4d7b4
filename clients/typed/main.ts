// A TypeScript client of the published schema: its types and documents are made by GraphQL Code Generator from
// operations.graphql. It prints what it was answered.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { CityDocument, DraftDocument, FoundDocument } from './generated.js';

declare const process: { env: { STADTGRAPH_URL: string; STADTGRAPH_TOKEN: string } };

async function ask<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables, headers: Record<string, string> = {}): Promise<Data> {
  const answer = await fetch(new URL('graphql', process.env.STADTGRAPH_URL), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = (await answer.json()) as { data: Data; errors?: { message: string }[] };
  if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));
  return data;
}

const { municipality } = await ask(CityDocument, { key: '09461000' });
const adopted: string | undefined = municipality?.strategies.nodes.find(({ status }) => status === 'PRESENTED')?.adoptedOn?.start;
const { search } = await ask(FoundDocument, { text: 'Bamberg' });
const names = search.nodes.flatMap(({ node }) => (node.__typename === 'Municipality' ? [node.name] : []));
const { createArticle } = await ask(DraftDocument, { kind: 'REPORT', title: 'Von einem Client in TypeScript' }, { authorization: `Bearer ${process.env.STADTGRAPH_TOKEN}` });
console.log(JSON.stringify({ city: municipality?.name, state: municipality?.state.name, adopted, names, version: createArticle.article?.version }));
