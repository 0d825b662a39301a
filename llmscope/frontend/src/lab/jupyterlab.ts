/** What we use of JupyterLab, which gives it at run time: its own packages have the whole of it. */

interface Signal<Sender, Told> {
  connect(hear: (sender: Sender, told: Told) => void): void;
}

/** Of `@lumino/widgets`. */
export interface Widget {
  readonly node: HTMLElement;
  addClass(name: string): void;
  dispose(): void;
}
export interface Panel extends Widget {
  addWidget(widget: Widget): void;
}
export interface Lumino {
  Panel: new () => Panel;
}

/** An output of a cell, by mime types. */
export interface MimeModel {
  readonly trusted: boolean;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  setData(change: { data: Record<string, unknown>; metadata?: Record<string, unknown> }): void;
}
export interface Renderer extends Widget {
  renderModel(model: MimeModel): Promise<void>;
}
interface RenderMime {
  addFactory(
    factory: { safe: boolean; mimeTypes: string[]; createRenderer: () => Renderer },
    rank: number,
  ): void;
  createRenderer(mimeType: string): Renderer;
}

export interface Kernel {
  hasComm(id: string): boolean;
  requestCommInfo(about: { target_name: string }): Promise<{
    content: { status: string; comms?: Record<string, unknown> };
  }>;
}
export interface Session {
  readonly ready: Promise<void>;
  readonly session: { readonly kernel: Kernel | null } | null;
}
export interface NotebookPanel {
  readonly sessionContext: Session;
  readonly content: {
    readonly rendermime: RenderMime;
    readonly widgets: readonly Widget[];
    activeCellIndex: number;
    deselectAll(): void;
  };
}
export interface NotebookTracker {
  forEach(visit: (panel: NotebookPanel) => void): void;
  widgetAdded: Signal<NotebookTracker, NotebookPanel>;
}
export interface Application {
  commands: { execute(command: string): Promise<unknown> };
}
