package org.luthier.benchmarks;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.model.yourmt3.YourMt3Family;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.luthier.nn.Projection;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Luthier's side of compare_yourmt3.py: the YourMT3+ with mixtures of experts, {@link SeededWeights}, one segment of noise, one thread.
 * Reads a command a line and answers a line; times are milliseconds of the thread's own on a processor.
 *
 * <p>{@code machine}: billions of operations a second of a product that fits the cache, and GB/s of a copy, read and written. {@code segment}:
 * what each stage takes from samples to what the decoder attends to, as NAME=MS. {@code decoder SEGMENTS STEPS}: keys and values of the
 * encodings, then each step. {@code outputs FILE}: writes the encodings and the logits of the last of 16 steps, little-endian float32.
 */
public final class YourMt3Server implements AutoCloseable {
    private static final Path FOLDER = Path.of("models/yourmt3-moe/model.json");

    private final TokenModel model;
    private final Frontend.Session frontend;
    private final Session session;
    private final Stages stages = new Stages();
    private final INDArray samples;

    private YourMt3Server(Path root) throws IOException {
        ModelDefinition definition = JsonMapper.builder()
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .build()
                .readValue(root.resolve(FOLDER).toFile(), ModelDefinition.class);
        model = (TokenModel) new YourMt3Family().load(definition, new SeededWeights(), new Execution("cpu", "cpu", 1));
        frontend = model.frontend().open(1);
        session = model.open(1, stages);
        int window = model.frontend().framing().window();
        samples = Nd4j.create(SeededWeights.numbers("samples", window), new long[] {1, window}, 'c');
    }

    /** @param arguments the checkout */
    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (YourMt3Server server = new YourMt3Server(Path.of(arguments[0]))) {
            System.out.println("ready");
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split(" ");
                System.out.println(
                        switch (words[0]) {
                            case "machine" -> machine();
                            case "segment" -> server.segment();
                            case "decoder" -> server.decoder(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
                            case "outputs" -> server.outputs(Path.of(words[1]));
                            default -> throw new IllegalArgumentException("unknown command: " + line);
                        });
            }
        }
    }

    private static double now() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1e6;
    }

    private String segment() {
        stages.begin();
        encode();
        return stages.times.entrySet().stream()
                .map(stage -> stage.getKey() + "=" + stage.getValue())
                .collect(Collectors.joining(" "));
    }

    private void encode() {
        Position at = Position.segments(0, 1);
        session.begin(frontend.features(samples, new int[] {(int) samples.size(1)}, at, stages), at);
    }

    private String decoder(int segments, int steps) {
        INDArray one = session.encoded();
        long[] shape = one.shape();
        shape[0] = segments;
        try (INDArray encoded = Nd4j.create(DataType.FLOAT, shape)) {
            encoded.assign(one.broadcast(shape));
            double start = now();
            session.beginEncoded(encoded, Position.segments(0, segments));
            StringBuilder times = new StringBuilder().append(now() - start);
            for (int step = 0; step < steps; step++) {
                start = now();
                step(step);
                times.append(' ').append(now() - start);
            }
            return times.toString();
        }
    }

    /** Ids that do not depend on what was chosen: rounding may choose otherwise. */
    private void step(int step) {
        int[] ids = new int[session.rows()];
        for (int row = 0; row < ids.length; row++) {
            ids[row] = step == 0 ? 0 : (step * 7 + row * 31) % model.layout().outputRows();
        }
        session.step(ids, null);
    }

    private String outputs(Path file) throws IOException {
        encode();
        float[] encoded = HostFloats.copy(session.encoded());
        for (int step = 0; step < 16; step++) {
            step(step);
        }
        float[] logits = HostFloats.copy(session.logits());
        ByteBuffer bytes = ByteBuffer.allocate((encoded.length + logits.length) * Float.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(encoded).put(logits);
        Files.write(file, bytes.array());
        return "written";
    }

    /** Of several times the shortest: it is the machine that is asked for. */
    private static String machine() {
        int rows = 120;
        int inputs = 128;
        int outputs = 64;
        int times = 200;
        double product = Double.MAX_VALUE;
        double copy = Double.MAX_VALUE;
        byte[] from = new byte[1 << 28];
        byte[] to = new byte[1 << 28];
        try (Projection projection = Kernels.named("cpu").projection(new float[inputs * outputs], inputs, outputs);
                INDArray x = Nd4j.create(DataType.FLOAT, rows, inputs);
                INDArray y = Nd4j.create(DataType.FLOAT, rows, outputs);
                Scratch scratch = new Scratch()) {
            for (int round = 0; round < 20; round++) {
                double start = now();
                for (int i = 0; i < times; i++) {
                    projection.apply(x, y, scratch);
                }
                product = Math.min(product, now() - start);
                start = now();
                System.arraycopy(from, 0, to, 0, from.length);
                copy = Math.min(copy, now() - start);
            }
        }
        return 2e-6 * rows * inputs * outputs * times / product + " " + 2e-6 * from.length / copy;
    }

    @Override
    public void close() {
        session.close();
        frontend.close();
        model.close();
        samples.close();
    }

    /** Adds up what passes between the tensors that a model offers, and wants none of them. */
    private static final class Stages implements Probe {
        private final Map<String, Double> times = new LinkedHashMap<>();
        private double last;

        void begin() {
            times.clear();
            last = now();
        }

        @Override
        public boolean wants(String name) {
            times.merge(stage(name.split("\\.")), now() - last, Double::sum);
            last = now();
            return false;
        }

        /** A layer that is a stage, or the part of it. */
        private static String stage(String[] parts) {
            return switch (parts[0]) {
                case "frontend", "spectrogram" -> "frontend";
                case "encoder" -> {
                    String part = parts.length > 2 ? parts[2].replaceAll("[0-9]", "") : "";
                    boolean mixture = Arrays.asList(parts).contains("mlp");
                    yield switch (part) {
                        case "sca" -> "spectral";
                        case "local", "temporal" -> mixture ? "experts" : part;
                        default -> "latents";
                    };
                }
                default -> parts[0];
            };
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            throw new IllegalStateException(name + " was not wanted");
        }
    }
}
