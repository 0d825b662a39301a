/** The floors of the front end: what may import what. `npm run check` holds them. */

/** Floors from the lowest; each may import those before it. */
const FLOORS = [
  ["words"],
  ["protocol"],
  ["sampling", "sources"],
  ["store", "draw"],
  ["host"],
  ["ui"],
  ["panels"],
  ["app", "lab"],
];

const upward = FLOORS.flatMap((floor, index) =>
  floor.map((name) => ({
    name: `${name}-imports-only-what-is-below`,
    severity: "error",
    from: { path: `^src/${name}/` },
    to: {
      path: "^src/",
      pathNot: `^src/(${[...FLOORS.slice(0, index).flat(), name].join("|")})/`,
    },
  })),
);

export default {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-panel-imports-another",
      comment: "What panels share is in ui/.",
      severity: "error",
      from: { path: "^src/panels/([^/]+)/" },
      to: { path: "^src/panels/[^/]+/", pathNot: "^src/panels/$1/" },
    },
    {
      name: "only-an-entry-chooses-a-source",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(sources/|[^/]+\\.ts$|bertviz/)" },
      to: { path: "^src/sources/" },
    },
    {
      name: "no-file-without-use",
      severity: "error",
      from: { orphan: true, path: "^src/" },
      to: {},
    },
    {
      name: "no-unresolved-import",
      severity: "error",
      from: {},
      // An address within a package, which only bundlers read off its `exports`; what words.mjs makes.
      to: { couldNotResolve: true, pathNot: "^(jquery/slim|program:./view)$" },
    },
    ...upward,
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { extensions: [".ts", ".tsx", ".js", ".mjs", ".json", ".css", ".tex"] },
    moduleSystems: ["es6"],
  },
};
