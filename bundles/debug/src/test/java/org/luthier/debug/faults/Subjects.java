package org.luthier.debug.faults;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.debug.TraceInput;
import org.luthier.debug.faults.Values.Value;
import org.luthier.model.basicpitch.BasicPitchFamily;
import org.luthier.model.mt3.Mt3Family;

/** The healthy models that faults are put into. */
final class Subjects {
    static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    static final Path MT3 = ROOT.resolve("../shared/checkpoints/mt3");

    private static final int MODEL = 32;
    private static final int HEADS = 4;
    private static final int HEAD_SIZE = 8;
    private static final int HIDDEN = 48;
    private static final int LAYERS = 2;
    private static final int FRAMES = 24;
    private static final int MOST_TOKENS = 24;
    private static final int IDS = 1536;
    private static final int BANDS = 512;
    private static final int FED = 16;
    private static final int HOP = 128;

    private Subjects() {}

    /** A chord over a little noise, and then near-silence. */
    static float[] sound(int samples, int rate, long seed) {
        Random random = new Random(seed);
        float[] sound = new float[samples];
        for (int i = 0; i < samples; i++) {
            double t = (double) i / rate;
            double swell = StrictMath.exp(-2 * t);
            sound[i] = (float) (0.3 * swell * StrictMath.sin(2 * StrictMath.PI * 261.63 * t)
                    + 0.2 * StrictMath.sin(2 * StrictMath.PI * 392.0 * t)
                    + 0.1 * swell * StrictMath.sin(2 * StrictMath.PI * 1046.5 * t)
                    + 0.01 * random.nextGaussian());
            sound[i] *= i < samples * 2 / 3 ? 1 : 1e-7f;
        }
        return sound;
    }

    /** Ids that are not alike, the start id first. */
    private static int[][] ids(int count, long seed) {
        Random random = new Random(seed);
        int[] ids = new int[count];
        for (int i = 1; i < count; i++) {
            ids[i] = 3 + random.nextInt(1388);
        }
        return new int[][] {ids};
    }

    /** An MT3 of two layers with seeded weights. */
    static Subject tinyMt3() {
        TraceInput sound = new TraceInput.Samples(sound(FRAMES * HOP, 16000, 1), List.of(0));
        return Subject.of(
                "MT3",
                new Mt3Family(),
                tinyDefinition(),
                tinyWeights(20260101),
                new TraceInput.Forced(sound, ids(FED, 2)));
    }

    /** What its model.json would say. */
    static ModelDefinition tinyDefinition() {
        ModelDefinition mt3 = Subject.definition(ROOT.resolve("models/mt3"));
        Map<String, Object> sizes = new LinkedHashMap<>(mt3.configuration());
        sizes.putAll(Map.of(
                "segmentFrames", FRAMES,
                "model", MODEL,
                "heads", HEADS,
                "headSize", HEAD_SIZE,
                "hidden", HIDDEN,
                "encoderLayers", LAYERS,
                "decoderLayers", LAYERS,
                "maxTokens", MOST_TOKENS));
        return new ModelDefinition(
                "mt3-tiny",
                "a small MT3 of seeded weights, which has learned nothing",
                mt3.family(),
                mt3.tokenizer(),
                mt3.decoder(),
                mt3.assembler(),
                mt3.midiWriter(),
                sizes,
                "checkpoint.safetensors",
                List.of(),
                "Apache-2.0",
                "none",
                mt3.folder());
    }

    /** Seeded weights that keep the stream at the size that a trained one has. */
    static Values tinyWeights(long seed) {
        Random random = new Random(seed);
        Map<String, Value> weights = new LinkedHashMap<>();
        matrix(weights, random, "encoder.input_projection.weight", BANDS, MODEL, 0.4);
        for (int layer = 0; layer < LAYERS; layer++) {
            String name = "encoder.layer" + layer;
            scale(weights, random, name + ".pre_attention_norm.scale");
            attention(weights, random, name + ".attention");
            scale(weights, random, name + ".pre_mlp_norm.scale");
            mlp(weights, random, name + ".mlp");
        }
        scale(weights, random, "encoder.out.scale");
        matrix(weights, random, "decoder.token_embedding.weight", IDS, MODEL, Math.sqrt(IDS));
        for (int layer = 0; layer < LAYERS; layer++) {
            String name = "decoder.layer" + layer;
            scale(weights, random, name + ".pre_self_attention_norm.scale");
            attention(weights, random, name + ".self_attention");
            scale(weights, random, name + ".pre_cross_attention_norm.scale");
            attention(weights, random, name + ".cross_attention");
            scale(weights, random, name + ".pre_mlp_norm.scale");
            mlp(weights, random, name + ".mlp");
        }
        scale(weights, random, "decoder.out.scale");
        matrix(weights, random, "decoder.logits.weight", MODEL, IDS, 2);
        return new Values(weights);
    }

    private static void attention(Map<String, Value> weights, Random random, String name) {
        int width = HEADS * HEAD_SIZE;
        // Scores are not divided by the root of a head's size: the queries' matrix is smaller for it.
        matrix(weights, random, name + ".q.weight", MODEL, width, 0.6);
        matrix(weights, random, name + ".k.weight", MODEL, width, 1);
        matrix(weights, random, name + ".v.weight", MODEL, width, 1);
        matrix(weights, random, name + ".out.weight", width, MODEL, 1);
    }

    private static void mlp(Map<String, Value> weights, Random random, String name) {
        matrix(weights, random, name + ".wi_0.weight", MODEL, HIDDEN, 1);
        matrix(weights, random, name + ".wi_1.weight", MODEL, HIDDEN, 1);
        matrix(weights, random, name + ".wo.weight", HIDDEN, MODEL, 1);
    }

    /** Numbers whose products with vectors of unit size have a given size. */
    private static void matrix(
            Map<String, Value> weights, Random random, String name, int inputs, int outputs, double size) {
        float[] numbers = new float[inputs * outputs];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) (random.nextGaussian() * size / StrictMath.sqrt(inputs));
        }
        weights.put(name, new Value(List.of((long) inputs, (long) outputs), numbers));
    }

    private static void scale(Map<String, Value> weights, Random random, String name) {
        float[] numbers = new float[MODEL];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) (0.5 + random.nextDouble());
        }
        weights.put(name, new Value(List.of((long) MODEL), numbers));
    }

    /** The published MT3, on a segment of two notes. */
    static Subject realMt3() {
        Mt3Family family = new Mt3Family();
        TraceInput sound = new TraceInput.Samples(sound(256 * HOP, 16000, 1), List.of(0));
        return Subject.of(
                "MT3 as published",
                family,
                Subject.definition(ROOT.resolve("models/mt3")),
                Subject.weights(family, MT3),
                new TraceInput.Forced(sound, ids(FED, 2)));
    }

    /** Basic Pitch with its weights, on a window of singing. */
    static Subject basicPitch() {
        BasicPitchFamily family = new BasicPitchFamily();
        Path folder = ROOT.resolve("models/basic-pitch");
        try (Checkpoint recording = Checkpoints.builtIn().open(ROOT.resolve("samples/vocadito14/wave_22050.npy"))) {
            return Subject.of(
                    "Basic Pitch",
                    family,
                    Subject.definition(folder),
                    Subject.weights(family, folder.resolve("basic-pitch.safetensors")),
                    new TraceInput.Samples(recording.floats("array"), List.of(1)));
        }
    }
}
