package org.luthier.framework;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * A model of MT3's family with its own vocabulary and weights by chance: what it says means little, but is the same each time. For what
 * must work without the real checkpoint.
 */
final class TinyMt3 {
    static final String ID = "tiny-mt3";

    private static final int BANDS = 512;
    private static final int MODEL = 16;
    private static final int WIDTH = 16;
    private static final int HIDDEN = 12;
    private static final int ROWS = 1408;
    private static final int MAX_TOKENS = 200;

    private final Random random = new Random(129);
    private final Map<String, float[]> weights = new LinkedHashMap<>();
    private final JsonObjectBuilder header = Json.createObjectBuilder();
    private int offset;

    /** Adds the model to a folder of models. */
    static void write(Path models) throws IOException {
        Path folder = Files.createDirectories(models.resolve(ID));
        new TinyMt3().weights(folder.resolve("tiny.safetensors"));
        JsonObject mt3;
        try (Reader text = Files.newBufferedReader(Luthier.LAYOUT.resolve("models/mt3/model.json"))) {
            mt3 = Json.createReader(text).readObject();
        }
        JsonObject configuration = Json.createObjectBuilder(mt3.getJsonObject("configuration"))
                .add("model", MODEL)
                .add("heads", 2)
                .add("headSize", WIDTH / 2)
                .add("hidden", HIDDEN)
                .add("encoderLayers", 1)
                .add("decoderLayers", 1)
                .add("outputRows", ROWS)
                .add("maxTokens", MAX_TOKENS)
                .build();
        JsonObject tiny = Json.createObjectBuilder(mt3)
                .add("id", ID)
                .add("configuration", configuration)
                .add("weights", "tiny.safetensors")
                .add("sources", Json.createArrayBuilder())
                .build();
        Files.writeString(folder.resolve("model.json"), tiny.toString());
    }

    private void weights(Path file) throws IOException {
        normal("encoder.continuous_inputs_projection.kernel", BANDS, MODEL);
        block("encoder.layers_0", "attention");
        ones("encoder.encoder_norm.scale");
        normal("decoder.token_embedder.embedding", ROWS, MODEL);
        block("decoder.layers_0", "self_attention");
        ones("decoder.layers_0.pre_cross_attention_layer_norm.scale");
        attention("decoder.layers_0.encoder_decoder_attention");
        ones("decoder.decoder_norm.scale");
        normal("decoder.logits_dense.kernel", MODEL, ROWS);
        byte[] json = header.build().toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + offset).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(json.length).put(json);
        for (float[] values : weights.values()) {
            for (float value : values) {
                bytes.putFloat(value);
            }
        }
        Files.write(file, bytes.array());
    }

    private void block(String name, String attention) {
        ones(name + ".pre_" + attention + "_layer_norm.scale");
        attention(name + "." + attention);
        ones(name + ".pre_mlp_layer_norm.scale");
        normal(name + ".mlp.wi_0.kernel", MODEL, HIDDEN);
        normal(name + ".mlp.wi_1.kernel", MODEL, HIDDEN);
        normal(name + ".mlp.wo.kernel", HIDDEN, MODEL);
    }

    private void attention(String name) {
        normal(name + ".query.kernel", MODEL, WIDTH);
        normal(name + ".key.kernel", MODEL, WIDTH);
        normal(name + ".value.kernel", MODEL, WIDTH);
        normal(name + ".out.kernel", WIDTH, MODEL);
    }

    private void normal(String name, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() / Math.sqrt(MODEL));
        }
        add(name, values, rows, columns);
    }

    private void ones(String name) {
        float[] values = new float[MODEL];
        Arrays.fill(values, 1);
        add(name, values, MODEL);
    }

    private void add(String name, float[] values, int... shape) {
        weights.put(name, values);
        int end = offset + Float.BYTES * values.length;
        var sizes = Json.createArrayBuilder();
        for (int size : shape) {
            sizes.add(size);
        }
        header.add(
                name,
                Json.createObjectBuilder()
                        .add("dtype", "F32")
                        .add("shape", sizes)
                        .add(
                                "data_offsets",
                                Json.createArrayBuilder().add(offset).add(end)));
        offset = end;
    }
}
