import assert from 'node:assert/strict';
import {test} from 'node:test';
import {compare} from './diff.mjs';

const released = `
interface Node { id: ID! }
interface Owner implements Node { id: ID! name: String! }
enum Kind { TOWN CITY OLD @deprecated(reason: "Use TOWN; removal after 2026-06-30") }
enum Colour { RED }
input TownFilter {
  kind: Kind
  name: String!
  size: Int = 1
  colour: Colour @deprecated(reason: "Nobody knows it; removal after 2026-06-30")
}
type Town implements Node & Owner {
  id: ID!
  name: String!
  kind: Kind
  population(year: Int = 2020, source: String @deprecated(reason: "There is one; removal after 2026-06-30")): Int
  mayor: Person @deprecated(reason: "Use offices; removal after 2026-06-30")
  twin: String @deprecated(reason: "Use twins; removal after 2026-12-31")
  motto: String @deprecated
}
type Person { name: String! }
union Place = Town
input TownRef { id: ID slug: String }
type Query { town(id: ID!): Town place(ref: TownRef): Place }
extend type Query { towns(first: Int, filter: TownFilter): [Town!]! }
`;
const today = '2026-07-01';

// A change is a pair: what of the released contract is replaced by what.
const refuses = {
  'a removed field': ['  kind: Kind\n  population', '  population', /Town\.kind|'kind'/],
  'a removed field of an extension': ['towns(first: Int, filter: TownFilter): [Town!]!', 'villages: [Town!]!', /'towns'/],
  'a removed type': [/type Person .*\n|  mayor: .*\n/g, '', /Person/, '2026-06-01'],
  'another type': ['population(year: Int = 2020', 'population(year: Float = 2020', /year/],
  'another type of a field': ['): Int\n', '): Float\n', /population/],
  'a list instead of an item': ['town(id: ID!): Town ', 'town(id: ID!): [Town] ', /town/],
  'a field that became nullable': ['type Town implements Node & Owner {\n  id: ID!\n  name: String!', 'type Town implements Node & Owner {\n  id: ID!\n  name: String', /name/],
  'a new required argument': ['towns(first: Int,', 'towns(year: Int!, first: Int,', /year/],
  'an argument that became required': ['towns(first: Int,', 'towns(first: Int!,', /first/],
  'a removed argument': ['towns(first: Int, ', 'towns(', /first/],
  'another default of an argument': ['year: Int = 2020', 'year: Int = 2021', /year/],
  'a removed enum value': ['TOWN CITY', 'TOWN', /CITY/],
  'an added enum value': ['TOWN CITY', 'TOWN CITY VILLAGE', /VILLAGE/],
  'an input field that became required': ['  kind: Kind\n  name', '  kind: Kind!\n  name', /kind/],
  'a new required input field': ['  kind: Kind\n  name', '  kind: Kind\n  year: Int!\n  name', /year/],
  'another default of an input field': ['size: Int = 1', 'size: Int = 2', /size/],
  'a removed input field': ['  size: Int = 1\n', '', /size/],
  'an input that takes exactly one key now': ['input TownRef', 'input TownRef @oneOf', /TownRef/],
  'an added member of a union': ['union Place = Town', 'union Place = Town | Person', /Person/],
  'an added interface': ['type Person {', 'interface Named { name: String! }\ntype Person implements Named {', /Named/],
  'a removed interface': ['type Town implements Node & Owner', 'type Town implements Node', /Owner/],
  'a field removed before its day': [/  twin: .*\n/, '', /twin/],
  'a deprecated field removed without a day': [/  motto: .*\n/, '', /motto/],
  'a type changed that may be removed': ['mayor: Person', 'mayor: [Person]', /mayor/],
};

const accepts = {
  'the same': ['', ''],
  'an added field': ['  motto: String', '  area: Float!\n  motto: String'],
  'an added root field': ['type Query {', 'type Query { person: Person'],
  'an added type': ['type Query {', 'type Village implements Node { id: ID! kind: Kind } type Query { village: Village'],
  'an added optional argument': ['towns(first: Int,', 'towns(year: Int, first: Int,'],
  'an added optional input field': ['  kind: Kind\n  name', '  kind: Kind\n  year: Int\n  name'],
  'a field that is never null any more': ['  kind: Kind\n  population', '  kind: Kind!\n  population'],
  'an input that became optional': ['  name: String!\n  size', '  name: String\n  size'],
  'a new deprecation': ['  kind: Kind\n  population', '  kind: Kind @deprecated(reason: "Use kinds; removal after 2027-01-01")\n  population'],
  'another description': ['type Person', '"""Somebody."""\ntype Person'],
  'a field removed after its day': [/  mayor: .*\n/, ''],
  'a field removed after its day, with its type': [/type Person .*\n|  mayor: .*\n/g, ''],
  'an argument removed after its day': [/, source: String @deprecated\(.*?\)/, ''],
  'an enum value removed after its day': [/ OLD @deprecated\(.*?\)/, ''],
  'an input field removed after its day, with its type': [/  colour: .*\n|enum Colour .*\n/g, ''],
};

const after = (from, to) => {
  const changed = released.replace(from, to);
  assert.ok(from === '' || changed !== released, 'the change changes nothing');
  return changed;
};

for (const [what, [from, to, message, day = today]] of Object.entries(refuses)) {
  test(`refuses ${what}`, async () => {
    const {refused} = await compare(released, after(from, to), day);
    assert.match(refused.map(c => c.message).join('\n'), message);
  });
}

for (const [what, [from, to]] of Object.entries(accepts)) {
  test(`accepts ${what}`, async () => {
    const {refused} = await compare(released, after(from, to), today);
    assert.deepEqual(refused.map(c => c.message), []);
  });
}
