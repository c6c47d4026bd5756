package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A small seeded model of the reference, with every tensor that it recorded. */
final class Variant implements AutoCloseable {
    private static final Path REFERENCE =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3");

    private static final List<String> PERCEIVERS = List.of(
            "moe_rope_multi",
            "ptf_multi",
            "ptf_opts_alibi_6heads",
            "ptf_opts_alibit_gmlp_rms",
            "ptf_opts_kdt_mlpproj",
            "ptf_opts_rope_keys_hftt",
            "ptf_opts_tk_res3bhftt_conv",
            "ptf_single");

    private final Checkpoint checkpoint;
    private final Checkpoint golden;
    private final Map<String, String> numbered = new HashMap<>();

    private Variant(Checkpoint checkpoint, Checkpoint golden) {
        this.checkpoint = checkpoint;
        this.golden = golden;
        // "04.encoder.out" is called "encoder.out" here.
        golden.tensors().keySet().forEach(name -> numbered.put(name.replaceFirst("^[0-9]+\\.", ""), name));
    }

    /** A file or folder of the reference; without it, the test is skipped visibly. */
    static Path reference(String path) {
        Assumptions.assumeTrue(Files.isDirectory(REFERENCE), "no reference of YourMT3+ beside the checkout");
        return REFERENCE.resolve(path);
    }

    /** All that there are. */
    static Stream<String> all() {
        return Stream.concat(
                PERCEIVERS.stream(),
                Stream.of("conformer_relative", "conformer_rotary", "t5_relpos_moe", "ymt3plus_t5"));
    }

    /** Those with latents. */
    static Stream<String> perceivers() {
        return PERCEIVERS.stream();
    }

    static Variant open(String name) {
        Path folder = reference("variants").resolve(name);
        Checkpoints formats = Checkpoints.builtIn();
        return new Variant(
                formats.open(folder.resolve("model.ckpt")), formats.open(folder.resolve("golden.safetensors")));
    }

    YourMt3Configuration configuration() {
        return YourMt3Configuration.of(checkpoint.metadata());
    }

    Weights weights() {
        YourMt3Family family = new YourMt3Family();
        return NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id());
    }

    /** What was recorded, without numbers in front. */
    Set<String> names() {
        return numbered.keySet();
    }

    boolean has(String name) {
        return numbered.containsKey(name);
    }

    long[] shape(String name) {
        return golden.tensors().get(numbered.get(name)).shape().stream()
                .mapToLong(Long::longValue)
                .toArray();
    }

    /** A recorded tensor. */
    INDArray tensor(String name) {
        return Nd4j.create(golden.floats(numbered.get(name)), shape(name), 'c');
    }

    /** Recorded ids, row after row. */
    int[] ids(String name) {
        ByteBuffer bytes = golden.read(numbered.get(name));
        IntBuffer ids = bytes.order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
        int[] result = new int[ids.remaining()];
        ids.get(result);
        return result;
    }

    /** Holds what was recorded here against the reference: its largest difference beside its largest number, and that at least 1. */
    void assertRecorded(Recorder recorder, double tolerance, String... names) {
        for (String name : names) {
            Recorder.Recorded got = recorder.tensors.get(name);
            assertArrayEquals(shape(name), got == null ? null : got.shape(), name);
            float[] expected = golden.floats(numbered.get(name));
            double most = 1;
            for (float value : expected) {
                most = Math.max(most, Math.abs(value));
            }
            assertEquals(0, distance(expected, got.values()) / most, tolerance, name);
        }
    }

    static double distance(float[] expected, float[] got) {
        assertEquals(expected.length, got.length);
        double largest = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = Math.abs((double) expected[i] - got[i]);
            largest = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(largest, difference);
        }
        return largest;
    }

    @Override
    public void close() {
        checkpoint.close();
        golden.close();
    }

    /** Copies all that it is offered. */
    static final class Recorder implements Probe {
        /** A tensor of all rows. */
        record Recorded(long[] shape, float[] values) {}

        final Map<String, Recorded> tensors = new LinkedHashMap<>();

        @Override
        public boolean wants(String name) {
            return true;
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            Recorded other = tensors.put(
                    name, new Recorded(Arrays.copyOf(tensor.shape(), tensor.rank()), HostFloats.copy(tensor)));
            assertEquals(null, other, name + " was offered twice");
        }
    }
}
