import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** The import law: a lib or app (by tag) may import only these. */
const law = {
  'lib:domain': [],
  'lib:contracts': ['lib:domain'],
  'lib:event-store': ['lib:domain', 'lib:contracts', 'lib:sqlite'],
  'lib:messaging': ['lib:domain', 'lib:contracts'],
  'lib:docker': ['lib:domain', 'lib:contracts'],
  'lib:mongodb': ['lib:contracts'],
  'lib:sqlite': ['lib:contracts'],
  'lib:secrets': ['lib:domain', 'lib:contracts', 'lib:mongodb', 'lib:sqlite'],
  'lib:identity': ['lib:domain', 'lib:contracts', 'lib:mongodb', 'lib:sqlite'],
  'lib:reconcile': ['lib:domain', 'lib:contracts'],
  'lib:platform': ['lib:domain', 'lib:contracts'],
  'lib:read-models': ['lib:domain', 'lib:contracts', 'lib:event-store', 'lib:mongodb', 'lib:sqlite', 'lib:platform'],
  'lib:application': ['lib:domain', 'lib:contracts', 'lib:event-store', 'lib:platform'],
  'lib:testing': ['lib'],
  'app:api-gateway': ['lib'],
  'app:scheduler': ['lib'],
  'app:job-runner': ['lib'],
  'app:health-monitor': ['lib'],
  'app:node-agent': ['lib:domain', 'lib:contracts', 'lib:messaging', 'lib:docker', 'lib:secrets', 'lib:reconcile', 'lib:platform'],
};

/** One SDK, one lib. */
const sdks = { dockerode: ['docker'], '@eventstore/*': ['event-store'], mongodb: ['mongodb', 'read-models', 'secrets', 'identity'], jose: ['identity'], croner: ['platform'], '@nats-io/*': ['messaging'] };
const nestFree = ['domain', 'contracts', 'event-store', 'messaging', 'docker', 'mongodb', 'sqlite', 'secrets', 'identity', 'reconcile', 'read-models', 'testing'];

const bannedFor = (name) => [
  ...Object.entries(sdks).filter(([, homes]) => !homes.includes(name)).map(([sdk]) => sdk),
  ...(nestFree.includes(name) ? ['@nestjs/*'] : []),
  ...(name === 'application' ? [] : ['@nestjs/cqrs']),
];

const noAmbientTime = [
  { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'take a Clock' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'take a Clock' },
  { selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']", message: 'take a Random' },
  { selector: "CallExpression[callee.name=/^(setTimeout|setInterval|setImmediate)$/]", message: 'take a Clock' },
];
const noShell = { selector: "ImportSpecifier[imported.name=/^(exec|execSync)$/]", message: 'no shell: use execFile or spawn with an argument list' };

export default [
  { ignores: ['dist', 'node_modules', '.nx', '.waybill'] },
  ...tseslint.configs.recommended.map((c) => ({ ...c, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', {
        enforceBuildableLibDependency: false,
        banTransitiveDependencies: false,
        allow: [],
        // A lib's specs use the fakes, which use the lib: a circle of projects, never of files.
        ignoredCircularDependencies: Object.keys(law).filter((tag) => tag.startsWith('lib:')).map((tag) => ['testing', tag.slice(4)]),
        depConstraints: Object.entries(law).map(([sourceTag, onlyDependOnLibsWithTags]) => ({
          sourceTag,
          onlyDependOnLibsWithTags,
          bannedExternalImports: bannedFor(sourceTag.split(':')[1]),
        })),
      }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', noShell, ...noAmbientTime],
      complexity: ['error', 16],
      'max-depth': ['error', 4],
    },
  },
  {
    // Real time and randomness enter the house here, and are passed on from here.
    files: ['libs/platform/**', 'libs/testing/**', 'test/**', '**/*.spec.ts', '**/contract.ts', 'deploy/**'],
    rules: { 'no-restricted-syntax': ['error', noShell] },
  },
  {
    // The domain is pure: no import but its own, no process, no waiting.
    files: ['libs/domain/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^[^.]', message: 'the domain imports nothing' }] }],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'crypto', 'performance', 'queueMicrotask', 'console'],
      'no-restricted-syntax': ['error', ...noAmbientTime,
        { selector: ':function[async=true]', message: 'the domain is synchronous' },
        { selector: 'AwaitExpression', message: 'the domain is synchronous' }],
    },
  },
  {
    // Specs may use the fakes; nothing else outside `test/` may.
    files: ['**/*.spec.ts', '**/contract.ts', '**/under-test.ts', 'test/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': 'off' },
  },
];
