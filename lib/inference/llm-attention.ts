import { type Rule, enforce, isPositiveInteger } from '../core/rule';

/** Heads of an attention, as the `config.json` of a model has them. */
export interface LlmHeads {
  /** Query heads: `num_attention_heads`. Tensor parallelism divides them evenly. */
  readonly attentionHeads: number;
  /** Heads of keys and values: `num_key_value_heads`. They, not the query heads, fill the KV cache. */
  readonly kvHeads: number;
  /** Dimension of a key: `head_dim`, or `hidden_size / num_attention_heads`. */
  readonly headDim: number;
  /**
   * Dimension of a value, where it is another one.
   * @default - that of a key
   */
  readonly valueHeadDim?: number;
}

/** Attention of which some layers see a window only. */
export interface SlidingWindowHeads extends LlmHeads {
  /** Tokens that a layer with a window sees: `sliding_window`. */
  readonly window: number;
  /**
   * Layers that see everything.
   * @default 0
   */
  readonly fullLayers?: number;
}

/** Attention that keeps one latent for all heads. */
export interface LatentHeads {
  /** Query heads: `num_attention_heads`. */
  readonly attentionHeads: number;
  /** Dimension of what is kept for a token: `kv_lora_rank + qk_rope_head_dim`. */
  readonly latentDim: number;
}

/** What an attention keeps of a token. */
export enum LlmAttentionKind {
  /** Keys and values of every KV head. */
  STANDARD = 'standard',
  /** Keys and values, in most layers of a window only. */
  SLIDING_WINDOW = 'slidingWindow',
  /** One latent (multi-head latent attention). */
  LATENT = 'latent',
}

interface AttentionFields {
  readonly attentionHeads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  readonly window?: number;
  readonly fullLayers?: number;
}

const RULES: readonly Rule<AttentionFields>[] = [
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'attention',
    value: ({ attentionHeads, kvHeads, keyDim, valueDim, window }) => [attentionHeads, kvHeads, keyDim, valueDim, window ?? 1],
    valid: (given: number[]) =>
      given.slice(0, 3).every(isPositiveInteger) && Number.isSafeInteger(given[3]) && given[3] >= 0 && isPositiveInteger(given[4]),
    allowed: 'heads, dimensions and window that are whole numbers above zero',
    fix: 'copy them from the config.json of the model',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'attention.kvHeads',
    value: ({ attentionHeads, kvHeads }) => [attentionHeads, kvHeads],
    valid: ([queries, kv]: number[]) => queries % kv === 0,
    allowed: 'a number of KV heads that divides the attention heads',
    fix: 'use num_key_value_heads; a model without it has as many as attention heads',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'attention.fullLayers',
    value: ({ fullLayers }) => fullLayers,
    valid: (layers: number) => Number.isSafeInteger(layers) && layers >= 0,
    allowed: 'a whole number from 0',
    fix: 'count the layers without a window in layer_types of the config.json',
    tokens: 'refuse',
  },
];

/**
 * What a model keeps of each token it has seen, which decides how many sequences a GPU holds.
 *
 * Each factory throws Millrace.LlmModelInvalid.
 */
export class LlmAttention {
  /** Keys and values of every KV head in every layer: multi-head, grouped-query and multi-query attention. */
  public static standard(heads: LlmHeads): LlmAttention {
    return new LlmAttention(LlmAttentionKind.STANDARD, fieldsOf(heads));
  }

  /** As `standard`, with layers that keep a window only. */
  public static slidingWindow(heads: SlidingWindowHeads): LlmAttention {
    const { window, fullLayers = 0 } = heads;
    return new LlmAttention(LlmAttentionKind.SLIDING_WINDOW, { ...fieldsOf(heads), window, fullLayers });
  }

  /** One latent for all heads (MLA), which every GPU keeps whole. */
  public static latent(heads: LatentHeads): LlmAttention {
    const { attentionHeads, latentDim } = heads;
    return new LlmAttention(LlmAttentionKind.LATENT, { attentionHeads, kvHeads: 1, keyDim: latentDim, valueDim: 0 });
  }

  /** Query heads. */
  public readonly attentionHeads: number;
  /** Heads of keys and values; 1 for a latent. */
  public readonly kvHeads: number;
  /** Dimension of a key, or of the latent. */
  public readonly keyDim: number;
  /** Dimension of a value; 0 for a latent. */
  public readonly valueDim: number;
  /** Tokens that a layer with a window sees. */
  public readonly window?: number;
  /** Layers without a window, where others have one. */
  public readonly fullLayers?: number;

  private constructor(
    /** What is kept. */
    public readonly kind: LlmAttentionKind,
    fields: AttentionFields,
  ) {
    enforce(`LlmAttention.${kind}`, fields, RULES);
    this.attentionHeads = fields.attentionHeads;
    this.kvHeads = fields.kvHeads;
    this.keyDim = fields.keyDim;
    this.valueDim = fields.valueDim;
    this.window = fields.window;
    this.fullLayers = fields.fullLayers;
  }
}

function fieldsOf({ attentionHeads, kvHeads, headDim, valueHeadDim }: LlmHeads): AttentionFields {
  return { attentionHeads, kvHeads, keyDim: headDim, valueDim: valueHeadDim ?? headDim };
}
