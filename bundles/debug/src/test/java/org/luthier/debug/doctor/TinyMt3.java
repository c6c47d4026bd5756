package org.luthier.debug.doctor;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.model.mt3.Mt3Family;

/**
 * A small MT3 with seeded weights that look trained: the rows of a matrix are of different sizes, layers differ a little, queries are an
 * eighth of keys, and ids that mean nothing are all alike. It says nonsense.
 */
final class TinyMt3 {
    static final int ROWS = 1536;
    static final int IDS = 1391;
    private static final int LAYERS = 4;

    /** A weight. */
    record Weight(List<Long> shape, float[] values) {
        Weight with(float[] others) {
            return new Weight(shape, others);
        }

        Weight times(float factor) {
            float[] scaled = values.clone();
            for (int i = 0; i < scaled.length; i++) {
                scaled[i] *= factor;
            }
            return with(scaled);
        }

        Weight transposed() {
            int rows = shape.get(0).intValue();
            int columns = shape.get(1).intValue();
            float[] turned = new float[values.length];
            for (int i = 0; i < turned.length; i++) {
                turned[i % columns * rows + i / columns] = values[i];
            }
            return new Weight(List.of(shape.get(1), shape.get(0)), turned);
        }

        /** Of a matrix with one row for each id: only the first of them. */
        Weight cut(int rows) {
            return new Weight(
                    List.of((long) rows, shape.get(1)),
                    Arrays.copyOf(values, rows * shape.get(1).intValue()));
        }

        /** The same with every row further down; those that leave come in above. */
        Weight rolled(int by) {
            int columns = shape.get(1).intValue();
            float[] moved = new float[values.length];
            for (int i = 0; i < moved.length; i++) {
                moved[(i + by * columns) % moved.length] = values[i];
            }
            return with(moved);
        }
    }

    final Map<String, Weight> weights = new LinkedHashMap<>();
    final ModelDefinition definition;
    private final Path folder;

    /** @param models gets a folder with the model.json */
    TinyMt3(Path models) throws IOException {
        folder = Files.createDirectories(models.resolve("tiny"));
        ObjectMapper json = new ObjectMapper();
        ObjectNode model = (ObjectNode)
                json.readTree(Clinic.ROOT.resolve("models/mt3/model.json").toFile());
        model.put("id", "tiny").put("weights", "tiny.safetensors");
        model.putArray("sources");
        ObjectNode configuration = (ObjectNode) model.get("configuration");
        configuration.put("model", 32).put("heads", 4).put("headSize", 8).put("hidden", 48);
        configuration.put("encoderLayers", LAYERS).put("decoderLayers", LAYERS).put("maxTokens", 64);
        json.writeValue(folder.resolve("model.json").toFile(), model);
        Map<String, Object> settings = json.convertValue(
                configuration, json.getTypeFactory().constructMapType(LinkedHashMap.class, String.class, Object.class));
        definition = new ModelDefinition(
                "tiny", "", "mt3", "mt3", "greedy", "mt3-reference", null, settings, "", List.of(), "", "", folder);
        Needs needs = Needs.of(new Mt3Family(), definition, new Execution("cpu", "plain", 1));
        Random random = new Random(7);
        needs.shapes().forEach((name, shape) -> weights.put(name, new Weight(shape, values(name, shape, random))));
    }

    private static float[] values(String name, List<Long> shape, Random random) {
        int rows = shape.get(0).intValue();
        int columns = shape.size() == 1 ? 1 : shape.get(1).intValue();
        float[] values = new float[rows * columns];
        double usual = Math.sqrt(1.0 / rows) * (name.endsWith(".q.weight") ? 0.125 : 1);
        double[] ofRow = new double[rows];
        double[] ofColumn = new double[columns];
        for (int row = 0; row < rows; row++) {
            ofRow[row] = size(random);
        }
        for (int column = 0; column < columns; column++) {
            ofColumn[column] = size(random);
        }
        for (int i = 0; i < values.length; i++) {
            double even = random.nextGaussian() * usual * ofRow[i / columns] * ofColumn[i % columns];
            values[i] = (float) (shape.size() == 1 ? 0.5 + random.nextDouble() : even);
        }
        if (rows == ROWS) {
            ofIds(values, columns, 1);
        } else if (columns == ROWS) {
            ofIds(values, 1, columns);
        }
        return values;
    }

    /** Gives the vector of each id one of two sizes: trained or not. */
    private static void ofIds(float[] values, int perId, int step) {
        int width = values.length / ROWS;
        for (int id = 0; id < ROWS; id++) {
            double square = 0;
            for (int i = 0; i < width; i++) {
                square += Math.pow(values[id * perId + i * step], 2);
            }
            boolean trained = id < IDS && id % 7 % 3 != 1 || id == IDS - 1;
            for (int i = 0; i < width; i++) {
                values[id * perId + i * step] *= (float) ((trained ? 3 : 1) / Math.sqrt(square));
            }
        }
    }

    private static double size(Random random) {
        return Math.exp(0.5 * random.nextGaussian());
    }

    Weight get(String name) {
        return weights.get(name);
    }

    TinyMt3 put(String name, Weight weight) {
        weights.put(name, weight);
        return this;
    }

    /** Writes the checkpoint. */
    Path write() throws IOException {
        Path file = folder.resolve("tiny.safetensors");
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        weights.forEach((name, weight) -> tensors.add(SafetensorsWriter.Tensor.of(
                name,
                weight.values(),
                weight.shape().stream().mapToLong(Long::longValue).toArray())));
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, Map.of(), tensors);
        }
        return file;
    }
}
