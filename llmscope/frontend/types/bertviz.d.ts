/** What bertviz's scripts call, and no types come with: see src/bertviz/bertviz.ts. */
declare module "d3-selection-1";
declare module "jquery/slim";
