// Compares schema.graphql with the last released contract and refuses what
// would break a client or surprise one:
//
//	npm run diff               fails on such a change
//	npm run diff -- --release  makes the schema the released contract, such changes included
//
// What was released goes in two steps: @deprecated(reason: "… removal after
// YYYY-MM-DD"), a release, and after that day it may be removed.
import {readFile, writeFile} from 'node:fs/promises';
import {fileURLToPath} from 'node:url';
import {ChangeType, CriticalityLevel, diff} from '@graphql-inspector/core';
import {
  buildASTSchema, getNamedType, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isUnionType, parse, visit,
} from 'graphql';

// Dangerous by the book because the server might behave differently without
// them. Here an argument, filter or input that is not given changes nothing.
const harmless = new Set([ChangeType.FieldArgumentAdded, ChangeType.InputFieldAdded]);

// compare lists what a release of the new schema would do to the clients of the
// old one. Today is a day, YYYY-MM-DD.
export async function compare(oldSDL, newSDL, today) {
  const next = buildASTSchema(parse(newSDL));
  const changes = await diff(withoutWithdrawn(parse(oldSDL), next, today), next);
  const refused = changes.filter(({type, criticality: {level}}) =>
    level === CriticalityLevel.Breaking || (level === CriticalityLevel.Dangerous && !harmless.has(type)));
  return {changes, refused};
}

// withoutWithdrawn builds the old schema without what was announced to go, had
// its day, and is gone: nobody may count on it any more. Types that only such
// places used go with them.
function withoutWithdrawn(document, next, today) {
  const withdrawn = node => {
    const reason = node.directives.find(d => d.name.value === 'deprecated')?.arguments.find(a => a.name.value === 'reason');
    const [, day] = /removal after (\d{4}-\d{2}-\d{2})$/.exec(reason?.value.value) ?? [];
    return day !== undefined && day < today;
  };
  const goneFrom = (type, ...path) => {
    let at = next.getType(type);
    for (const name of path) {
      at = isEnumType(at) ? at.getValue(name) : at?.args ? at.args.find(a => a.name === name) : at?.getFields?.()[name];
    }
    return !at;
  };
  const drop = (...path) => node => withdrawn(node) && goneFrom(...path, node.name.value);
  const keep = (nodes, dropped) => nodes?.filter(n => !dropped(n));
  const members = node => ({
    ...node,
    fields: keep(node.fields, drop(node.name.value))?.map(field => ({
      ...field,
      ...(field.arguments && {arguments: keep(field.arguments, drop(node.name.value, field.name.value))}),
    })),
    values: keep(node.values, drop(node.name.value)),
  });
  const definition = kind => /^(Object|Interface|InputObject|Enum)Type(Definition|Extension)$/.test(kind);
  const pruned = visit(document, {enter: node => (definition(node.kind) ? members(node) : undefined)});

  const used = usedTypes(buildASTSchema(pruned, {assumeValidSDL: true}));
  return buildASTSchema(visit(pruned, {
    enter: node => (/Type(Definition|Extension)$/.test(node.kind) && node.kind !== 'OperationTypeDefinition' &&
      !used.has(node.name.value) && goneFrom(node.name.value) ? null : undefined),
  }), {assumeValidSDL: true});
}

// usedTypes gives the names of the types that an operation can reach.
function usedTypes(schema) {
  const used = new Set();
  const walk = type => {
    if (!type || used.has(type.name)) return;
    used.add(type.name);
    if (isUnionType(type)) type.getTypes().forEach(walk);
    if (isInterfaceType(type)) [...schema.getImplementations(type).objects, ...schema.getImplementations(type).interfaces].forEach(walk);
    if (isInterfaceType(type) || isObjectType(type)) type.getInterfaces().forEach(walk);
    if (isInterfaceType(type) || isObjectType(type) || isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        walk(getNamedType(field.type));
        field.args?.forEach(a => walk(getNamedType(a.type)));
      }
    }
  };
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].forEach(walk);
  schema.getDirectives().forEach(d => d.args.forEach(a => walk(getNamedType(a.type))));
  return used;
}

async function main(args) {
  const file = name => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const [released, current] = await Promise.all(
    ['schema.released.graphql', 'schema.graphql'].map(name => readFile(file(name), 'utf8')));
  const {changes, refused} = await compare(released, current, new Date().toISOString().slice(0, 10));
  for (const {criticality, message} of refused) {
    console.log(`${criticality.level.toLowerCase().padEnd(9)} ${message}`);
  }
  if (args.includes('--release')) {
    await writeFile(file('schema.released.graphql'), current);
    console.log(`schema.released.graphql is schema.graphql: ${changes.length} changes, ${refused.length} of them against the rule`);
  } else if (refused.length > 0) {
    console.log('\nDeprecate first, with "removal after YYYY-MM-DD" at the end of the reason, and remove after that day.');
    console.log('If no client can be hurt, `make schema-release` accepts it; the commit says why.');
    process.exitCode = 1;
  } else {
    console.log(`schema.graphql keeps what was released; ${changes.length} changes since`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
