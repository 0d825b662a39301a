/** What runs around the frame that `view.static()` puts a page of ours into. */

import { follow } from "./host/around";

/** Of the attribute `onload`, whose text this file becomes. */
declare const event: Event;

follow(event.currentTarget as HTMLIFrameElement);
