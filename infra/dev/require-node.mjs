// Runs before every npm script. Plain JavaScript, so that an old Node can say what it lacks.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `error: the scripts run TypeScript directly, which Node ${process.versions.node} cannot.\n` +
      'The pinned Node 24 comes with `npm ci` through an install script: run `npm ci` again without --ignore-scripts.',
  );
  process.exit(2);
}
