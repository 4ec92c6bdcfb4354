import { type Rule, enforce, isPositive, isPositiveInteger } from '../core/rule';
import { LlmAttention, LlmAttentionKind } from './llm-attention';

/** How the KV cache is stored: the values of vLLM's `--kv-cache-dtype`. */
export enum KvCacheType {
  /** Two bytes a value: the type of the model. */
  BF16 = 'auto',
  /** One byte a value, one scale a tensor. */
  FP8 = 'fp8',
  /** One byte a value, and a scale of four bytes for each head and token, of keys and of values; vLLM 0.20 or later. */
  FP8_PER_TOKEN_HEAD = 'fp8_per_token_head',
  /** The layout of DeepSeek's latent: 656 bytes a token and layer. */
  FP8_DS_MLA = 'fp8_ds_mla',
}

/** What a language model is, as its `config.json` says. */
export interface LlmModelProps {
  /** Name under which callers ask for it: the `model` of a request. */
  readonly name: string;
  /** Where its files lie: `hf://organisation/model`, `s3://bucket/prefix/`, `pvc://claim/path`. */
  readonly uri: string;
  /** Parameters, all of them: of a mixture of experts not only the active ones. */
  readonly parameters: number;
  /** Layers: `num_hidden_layers`. */
  readonly layers: number;
  /** What each layer keeps of a token. */
  readonly attention: LlmAttention;
  /** Longest prompt and answer together that it was trained for, tokens: `max_position_embeddings`. */
  readonly maxModelLength: number;
  /**
   * Bytes of a parameter: 2 for bf16, 1 for fp8, 0.5 for 4 bits; at most 4.
   * @default 2
   */
  readonly bytesPerParameter?: number;
  /**
   * How its KV cache is stored.
   * @default KvCacheType.BF16
   */
  readonly kvCacheType?: KvCacheType;
}

const RULES: readonly Rule<LlmModelProps>[] = [
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'name',
    value: ({ name }) => name,
    valid: (name: string) => /^[A-Za-z0-9][\w./-]{0,127}$/.test(name),
    allowed: 'at most 128 letters, digits, ., _, - or /',
    fix: 'use the name that callers put into `model`',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'uri',
    value: ({ uri }) => uri,
    valid: (uri: string) => /^(hf:\/\/[\w.-]+\/[\w.-]+|(s3|gs|pvc|oci):\/\/[^\s/'"$`\\]+[^\s'"$`\\]*)$/.test(uri),
    allowed: 'hf://organisation/model, s3://bucket/prefix/, gs://bucket/prefix/, pvc://claim/path or oci://image',
    fix: 'name the version in the path: a new model is a new place',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'parameters',
    value: ({ parameters }) => parameters,
    valid: (parameters: number) => isPositive(parameters) && parameters >= 1e6,
    allowed: 'a number from a million',
    fix: 'give all parameters, 8.03e9 for a model of 8 B',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'layers, maxModelLength',
    value: ({ layers, maxModelLength }) => [layers, maxModelLength],
    valid: (given: number[]) => given.every(isPositiveInteger),
    allowed: 'whole numbers above zero',
    fix: 'copy num_hidden_layers and max_position_embeddings from the config.json',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'bytesPerParameter',
    value: ({ bytesPerParameter }) => bytesPerParameter,
    valid: (bytes: number) => isPositive(bytes) && bytes <= 4,
    allowed: 'a number above 0, at most 4',
    fix: 'use 2 for bf16, 1 for fp8, 0.5 for 4 bits',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'attention.fullLayers',
    value: ({ attention, layers }) => (attention.fullLayers === undefined ? undefined : [attention.fullLayers, layers]),
    valid: ([full, all]: number[]) => full <= all,
    allowed: 'at most the layers of the model',
    fix: 'count the layers without a window in layer_types of the config.json',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmModelInvalid',
    subject: 'kvCacheType',
    value: ({ kvCacheType, attention }) => (kvCacheType === undefined ? undefined : [kvCacheType, attention.kind]),
    valid: ([type, kind]: string[]) =>
      (type !== KvCacheType.FP8_DS_MLA && type !== KvCacheType.FP8_PER_TOKEN_HEAD) ||
      (type === KvCacheType.FP8_DS_MLA) === (kind === LlmAttentionKind.LATENT),
    allowed: 'FP8_DS_MLA for a latent only, FP8_PER_TOKEN_HEAD for keys and values only',
    fix: 'use FP8, which both take',
    tokens: 'refuse',
  },
];

/**
 * A language model: what of it decides how many GPUs it needs.
 *
 * `of` and `storedAt` throw Millrace.LlmModelInvalid.
 */
export class LlmModel {
  /** Llama 3.1 8B Instruct in bf16. */
  public static readonly LLAMA_3_1_8B = new LlmModel({
    name: 'llama-3.1-8b-instruct',
    uri: 'hf://meta-llama/Llama-3.1-8B-Instruct',
    parameters: 8.03e9,
    layers: 32,
    attention: LlmAttention.standard({ attentionHeads: 32, kvHeads: 8, headDim: 128 }),
    maxModelLength: 131072,
  });

  /** Llama 3.1 70B Instruct in bf16. */
  public static readonly LLAMA_3_1_70B = new LlmModel({
    name: 'llama-3.1-70b-instruct',
    uri: 'hf://meta-llama/Llama-3.1-70B-Instruct',
    parameters: 70.6e9,
    layers: 80,
    attention: LlmAttention.standard({ attentionHeads: 64, kvHeads: 8, headDim: 128 }),
    maxModelLength: 131072,
  });

  /** A model by its figures. */
  public static of(props: LlmModelProps): LlmModel {
    return new LlmModel(props);
  }

  /** Name under which callers ask for it. */
  public readonly name: string;
  /** Where its files lie. */
  public readonly uri: string;
  /** Parameters. */
  public readonly parameters: number;
  /** Layers. */
  public readonly layers: number;
  /** What each layer keeps of a token. */
  public readonly attention: LlmAttention;
  /** Longest prompt and answer together, tokens. */
  public readonly maxModelLength: number;
  /** Bytes of a parameter. */
  public readonly bytesPerParameter: number;
  /** How its KV cache is stored. */
  public readonly kvCacheType: KvCacheType;

  private constructor(props: LlmModelProps) {
    enforce('LlmModel.of', props, RULES);
    this.name = props.name;
    this.uri = props.uri;
    this.parameters = props.parameters;
    this.layers = props.layers;
    this.attention = props.attention;
    this.maxModelLength = props.maxModelLength;
    this.bytesPerParameter = props.bytesPerParameter ?? 2;
    this.kvCacheType = props.kvCacheType ?? KvCacheType.BF16;
  }

  /** Bytes of its weights: parameters x bytes of a parameter. */
  public get weightBytes(): number {
    return this.parameters * this.bytesPerParameter;
  }

  /** The same model from a place of one's own, for example a bucket that needs no way out to the internet. */
  public storedAt(uri: string): LlmModel {
    const { name, parameters, layers, attention, maxModelLength, bytesPerParameter, kvCacheType } = this;
    return new LlmModel({ name, uri, parameters, layers, attention, maxModelLength, bytesPerParameter, kvCacheType });
  }
}
