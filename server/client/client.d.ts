/** Types of client.js; docs/api.md explains each parameter. */

export interface Connection {
  /** Of the Evershelf server; by default the one that served client.js. */
  origin?: string;
  /** A read key, where one is needed. Never an admin key: visitors can see it. */
  key?: string;
  /** Ends the request, its retries, or what follows. */
  signal?: AbortSignal;
}

export interface Patience {
  /** For each attempt; 10,000 by default. */
  timeoutMs?: number;
  /** After network failures and 429, 502, 503, 504; 3 by default. */
  retries?: number;
}

export interface Filters {
  limit?: number;
  offset?: number;
  category?: string | string[];
  exclude_category?: string | string[];
  brand?: string | string[];
  exclude_brand?: string | string[];
  min_price?: number;
  max_price?: number;
  in_stock?: boolean;
  exclude?: string | string[];
  min_score?: number;
  diversity?: number;
  one_per?: string;
  fields?: string | string[];
  explain?: boolean;
  price_within?: number;
  cheaper?: boolean;
  same_brand?: boolean;
  same_category?: boolean;
  /** A write's operationTime, or an ISO time: answer once it is served. */
  after?: string;
  wait_ms?: number;
}

export interface Product {
  name?: string;
  description?: string;
  category?: string[];
  brand?: string;
  price?: number;
  in_stock?: boolean;
  stock?: number;
  rating?: number;
  image?: string;
  created_at?: string;
  [field: string]: unknown;
}

export interface Reason {
  /** Fit to be shown. */
  sentence: string;
  terms: { term: string; field: string; contribution: number }[];
  shares: Record<string, number>;
  price: { closeness: number; difference: number } | null;
}

export interface Hit {
  id: string;
  /** Above 0, at most 1. */
  score: number;
  product: Product;
  explain?: Reason;
}

export interface Model {
  generation: number;
  as_of: string;
  cluster_time: string;
  lag_ms: number | null;
  stale: boolean;
  reason?: string;
  reached?: boolean;
}

export interface Result {
  items: Hit[];
  model: Model;
  /** Of several products, the ids that are not sold any more. */
  unknown?: string[];
}

export type Item = string | { id: string; weight?: number };

/** One product's id; several; or several with words, or with some to be unlike. */
export type What = string | Item[] | { items?: Item[]; negative?: Item[]; q?: string };

export class EvershelfError extends Error {
  /** Of the answer; 0 when there was none. */
  readonly status: number;
  /** One word, such as "unknown_product", "unreachable", "timeout". */
  readonly code: string;
  readonly errors: { parameter: string; value: string; message: string; remedy: string }[];
  readonly requestId: string;
}

/** Rejects with an EvershelfError, or with the signal's reason once that is aborted. */
export function recommend(what: What, options?: Filters & Connection & Patience): Promise<Result>;

/** Any address of the API; POST when there is a body. */
export function ask<T = unknown>(path: string, options?: Connection & Patience & { body?: unknown }): Promise<T>;

export type ModelEvent =
  | ({ type: "generation" | "reset"; isFirst: boolean; visible: number; changed?: string[]; gone?: string[]; complete?: boolean }
      & Pick<Model, "generation" | "as_of" | "cluster_time">)
  | { type: "status"; stale: boolean; reason: string }
  | { type: "online" | "offline" };

/** Returns what ends it. */
export function listen(onEvent: (event: ModelEvent) => void, options?: Connection): () => void;

/** Recommends now and whenever the catalogue changes; returns what ends it. */
export function follow(
  what: What,
  options: Filters & Connection & Patience,
  onResult: (result: Result) => void,
  onError?: (error: EvershelfError) => void,
): () => void;

/**
 * <evershelf-similar product-id="…" limit="6" href="/products/{id}" explain>
 *
 * Events: evershelf-load (detail: Result), evershelf-error (detail: EvershelfError),
 * evershelf-select (detail: { id, product }; cancelable).
 */
export class EvershelfSimilar extends HTMLElement {
  /** Ask again, from the beginning. */
  refresh(): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "evershelf-similar": EvershelfSimilar;
  }
  interface GlobalEventHandlersEventMap {
    "evershelf-load": CustomEvent<Result>;
    "evershelf-error": CustomEvent<EvershelfError>;
    "evershelf-select": CustomEvent<{ id: string; product: Product }>;
  }
}
