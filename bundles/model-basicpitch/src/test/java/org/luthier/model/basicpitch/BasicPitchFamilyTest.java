package org.luthier.model.basicpitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.checkpoint.SafetensorsWriter;

class BasicPitchFamilyTest {
    private static final Path WEIGHTS = Goldens.ROOT.resolve("models/basic-pitch/basic-pitch.safetensors");

    private final BasicPitchFamily family = new BasicPitchFamily();

    @TempDir
    Path folder;

    private static ModelDefinition definition(Map<String, Object> configuration) {
        return new ModelDefinition(
                "mine", "", "basic-pitch", null, null, "", null, configuration, "", List.of(), "", "", null);
    }

    private Model load(Path weights, Map<String, Object> configuration, Execution execution) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(weights)) {
            return family.load(
                    definition(configuration),
                    NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id()),
                    execution);
        }
    }

    @Test
    void everyWeightIsListedWhereItBelongs() {
        try (Model model = load(WEIGHTS, Map.of(), new Execution("cpu", "cpu", 1));
                Checkpoint checkpoint = Checkpoints.builtIn().open(WEIGHTS)) {
            List<TensorInfo> listed = new ArrayList<>();
            for (Layer layer : model.root().children()) {
                for (Layer.Weight weight : layer.weights()) {
                    assertTrue(weight.name().startsWith(layer.name() + "."), weight.name());
                    listed.add(new TensorInfo(weight.name(), weight.shape(), weight.dtype()));
                }
            }
            assertEquals(
                    checkpoint.tensors().values().stream()
                            .map(Object::toString)
                            .sorted()
                            .toList(),
                    listed.stream().map(Object::toString).sorted().toList());
            assertEquals(checkpoint.tensors().size(), model.ledger().entries().size());
        }
    }

    @Test
    void configurationIsRefused() {
        String message = assertThrows(
                        LuthierException.class, () -> load(WEIGHTS, Map.of("hop", 128), new Execution("cpu", "cpu", 1)))
                .getMessage();
        assertTrue(message.contains("mine") && message.contains("hop"), message);
    }

    @Test
    void kernelsOfTheHostAreRefusedOnAGpu() {
        String message = assertThrows(
                        LuthierException.class, () -> load(WEIGHTS, Map.of(), new Execution("nd4j-cuda", "cpu", 1)))
                .getMessage();
        assertTrue(message.contains("--kernels nd4j"), message);
    }

    @Test
    void misshapenAndMissingWeightsAreRefused() throws IOException {
        Path misshapen = folder.resolve("misshapen.safetensors");
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(WEIGHTS)) {
            write(checkpoint, misshapen, "note1.weight", new long[] {7, 7, 32, 1});
        }
        assertThrows(CheckpointException.class, () -> load(misshapen, Map.of(), new Execution("cpu", "cpu", 1)));
        Path missing = folder.resolve("missing.safetensors");
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(WEIGHTS)) {
            write(checkpoint, missing, "note1.weight", null);
        }
        assertThrows(CheckpointException.class, () -> load(missing, Map.of(), new Execution("cpu", "cpu", 1)));
    }

    @Test
    void recognisesByNamesAndShapes() throws IOException {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(WEIGHTS)) {
            assertTrue(family.recognises(checkpoint));
            Path other = folder.resolve("basic-pitch.safetensors");
            write(checkpoint, other, "contour1.weight", new long[] {3 * 39, 64});
            try (Checkpoint flattened = Checkpoints.builtIn().open(other)) {
                assertFalse(family.recognises(flattened));
            }
        }
        try (Checkpoint samples = Checkpoints.builtIn().open(Goldens.SAMPLE.resolve("wave_22050.npy"))) {
            assertFalse(family.recognises(samples));
        }
    }

    /** Copies a checkpoint with one tensor of another shape, or without it. */
    private static void write(Checkpoint checkpoint, Path file, String changed, long[] shape) throws IOException {
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        for (TensorInfo info : checkpoint.tensors().values()) {
            long[] original = info.shape().stream().mapToLong(Long::longValue).toArray();
            if (!info.name().equals(changed)) {
                tensors.add(SafetensorsWriter.Tensor.of(info.name(), checkpoint.floats(info.name()), original));
            } else if (shape != null) {
                tensors.add(SafetensorsWriter.Tensor.of(info.name(), checkpoint.floats(info.name()), shape));
            }
        }
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, Map.of(), tensors);
        }
    }
}
