package org.luthier.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;
import org.luthier.model.yourmt3.YourMt3Family;

/** Seeded checkpoints with every tensor of the five published ones of YourMT3+ are loaded; without any one that a model takes, none is. */
@Tag("full")
class FullSizeYourMt3LoadTest {
    private static final Path KEYS =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3/keys");

    /** For the program, the names, and what is read and not yet taken. */
    private static final int HEAP = 64;

    /** Memory outside the heap is not limited to the size of the heap, but measured. */
    private static final List<String> OPTIONS = List.of(
            "-Xmx" + HEAP + "m", "-Dorg.bytedeco.javacpp.maxbytes=0", "-Dorg.bytedeco.javacpp.maxphysicalbytes=0");

    /** Beyond the weights and the heap: what is compiled, and pages of the file. */
    private static final long PROGRAM = 64 << 20;

    private static final YourMt3Family FAMILY = new YourMt3Family();

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "ymt3plus, mt3_full_plus, false",
        "yptf_single, mt3_full_plus, false",
        "yptf_multi, mc13_full_plus_256, true",
        "yptf_moe_nops, mc13_full_plus_256, false",
        "yptf_moe_ps, mc13_full_plus_256, true"
    })
    void everyTensorIsNeededAndLittleElseIsHeld(String variant, String task, boolean pitchShift) throws Exception {
        assumeTrue(Files.isDirectory(KEYS), "no ../shared/reference/yourmt3");
        List<LightningFile.Tensor> tensors = new ArrayList<>(LightningFile.keys(KEYS.resolve(variant + ".keys.json")));
        if (pitchShift) {
            tensors.addAll(LightningFile.pitchShift());
        }
        JsonNode arguments = new ObjectMapper()
                .readTree(KEYS.resolve(variant + ".hparams.json").toFile());
        Path file = folder.resolve("model.ckpt");
        LightningFile.write(file, tensors, arguments, task, 7);
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            List<TensorInfo> weights = weights(checkpoint).tensors();
            assertEachIsNeeded(checkpoint, weights, file);
            assumeTrue(Files.exists(YourMt3Loader.STATUS), "this system does not tell the memory of a process");
            Path told = folder.resolve("memory");
            double seconds =
                    ChildJvm.run(YourMt3Loader.class, OPTIONS, folder.resolve("log"), file.toString(), told.toString());
            long memory = Long.parseLong(Files.readString(told));
            long kept = weights.stream().mapToLong(each -> 4 * each.elements()).sum();
            System.out.printf(
                    "%s: %.0f MB of %.0f MB are weights; loaded in %.1f s with %.0f MB of memory%n",
                    variant, kept / 1e6, Files.size(file) / 1e6, seconds, memory / 1e6);
            assertTrue(memory < kept + (HEAP << 20) + PROGRAM, memory + " bytes for " + kept);
        }
    }

    private static MappedWeights weights(Checkpoint checkpoint) {
        return NameRules.choose(FAMILY.nameRules(), checkpoint).apply(checkpoint, FAMILY.id());
    }

    /** Tells which tensors a checkpoint can do without: they are those that no weight is made of. */
    private static void assertEachIsNeeded(Checkpoint checkpoint, List<TensorInfo> weights, Path file) {
        ModelDefinition definition = FAMILY.definition(checkpoint, file).orElseThrow();
        MappedWeights whole = weights(checkpoint);
        for (TensorInfo weight : weights) {
            String name = whole.sourceName(weight.name());
            String message = null;
            try {
                Without without = new Without(checkpoint, name);
                FAMILY.load(definition, weights(without), new Execution("cpu", "cpu", 1))
                        .close();
            } catch (LuthierException e) {
                message = e.getMessage();
            }
            assertTrue(
                    message != null && (message.contains("'" + name + "'") || message.contains(weight.name())),
                    "without " + name + ": " + message);
        }
        assertEquals(
                checkpoint.tensors().size(),
                weights.size()
                        + checkpoint.tensors().keySet().stream()
                                .filter(name -> name.matches(
                                        ".*pitchshift.*|.*\\.num_batches_tracked|.*\\.self\\.rotary_emb\\.freqs"))
                                .count());
    }

    /** A checkpoint without one of its tensors. */
    private record Without(Checkpoint checkpoint, String gone) implements Checkpoint {
        @Override
        public String name() {
            return checkpoint.name();
        }

        @Override
        public String format() {
            return checkpoint.format();
        }

        @Override
        public Map<String, TensorInfo> tensors() {
            Map<String, TensorInfo> tensors = new LinkedHashMap<>(checkpoint.tensors());
            tensors.remove(gone);
            return tensors;
        }

        @Override
        public ByteBuffer read(String name) {
            return checkpoint.read(name);
        }

        @Override
        public float[] floats(String name) {
            return checkpoint.floats(name);
        }

        @Override
        public Map<String, String> metadata() {
            return checkpoint.metadata();
        }

        @Override
        public List<String> warnings() {
            return checkpoint.warnings();
        }

        @Override
        public String sha256() {
            return checkpoint.sha256();
        }

        @Override
        public void close() {
            // The checkpoint is another's.
        }
    }
}
