package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;

/** Files that torch has written ({@code torch/make_files.py}), against what torch reads from them. */
class TorchTest {
    private static final Path SHARED =
            Path.of(System.getProperty("luthier.root")).resolve("../shared");

    @TempDir
    Path temporary;

    private final TorchFormat format = new TorchFormat();

    @ParameterizedTest
    @ValueSource(strings = {"zip.pth", "protocol4.pth", "legacy.pth", "lightning.ckpt", "lightning-legacy.ckpt"})
    void everyTypeAndView(String name) throws IOException {
        try (Checkpoint checkpoint = open(name)) {
            assertEquals("torch", checkpoint.format());
            assertExpected(checkpoint, List.copyOf(checkpoint.tensors().keySet()));
            assertEquals(22, checkpoint.tensors().size());
        }
    }

    @Test
    void aMachineOfTheOtherByteOrder() throws IOException {
        try (Checkpoint checkpoint = open("big-endian.pth")) {
            List<String> names = List.of("f32", "base", "base.transposed", "base.columns", "scalar");
            assertEquals(names, List.copyOf(checkpoint.tensors().keySet()));
            assertExpected(checkpoint, names);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lightning.ckpt", "lightning-legacy.ckpt"})
    void ofLightningTheStateDictAndTheParameters(String name) throws IOException {
        try (Checkpoint checkpoint = open(name)) {
            Map<String, String> metadata = new LinkedHashMap<>();
            metadata.put("storages outside state_dict", "3");
            metadata.put("epoch", "3");
            metadata.put("global_step", "1234");
            metadata.put("pytorch-lightning_version", "2.2.1");
            metadata.put("loops.fit_loop.ready", "3");
            metadata.put("hyper_parameters.task_manager", "an object of utils.task_manager.TaskManager");
            metadata.put("hyper_parameters.task_manager.task_name", "mc13_256");
            metadata.put("hyper_parameters.task_manager.ids", "an object of numpy.ndarray");
            metadata.put("hyper_parameters.model_cfg.d_model", "48");
            metadata.put("hyper_parameters.model_cfg.types", "[t5, conformer]");
            assertEquals(metadata, checkpoint.metadata());
            assertEquals(List.of(), checkpoint.warnings());
        }
    }

    @Test
    void nestedOnesAreCalledByTheWay() throws IOException {
        try (Checkpoint checkpoint = open("nested.pth")) {
            assertEquals(
                    List.of("model.f32", "layers.0", "layers.1", "7"),
                    List.copyOf(checkpoint.tensors().keySet()));
            assertArrayEquals(new float[] {-5, 5}, checkpoint.floats("layers.0"));
            assertEquals(Map.of("note", "nested"), checkpoint.metadata());
            assertEquals(List.of(), checkpoint.warnings());
        }
        try (Checkpoint checkpoint = open("tensor.pth")) {
            assertEquals(List.of("tensor"), List.copyOf(checkpoint.tensors().keySet()));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "module.pth, inert-object, models.Model",
        "complex.pth, dtype, ComplexFloatStorage",
        "sparse.pth, tensor-kind, _rebuild_sparse_tensor",
        "script.pt, torchscript, state_dict",
    })
    void whatIsNoPlainTensorIsNamed(String name, String rule, String told) throws IOException {
        CheckpointException e = assertThrows(CheckpointException.class, () -> open(name));
        assertEquals(rule, e.rule());
        assertTrue(e.getMessage().contains(told), e.getMessage());
    }

    @Test
    void filesAreToldByTheirContent() throws IOException {
        for (String name : List.of("zip.pth", "legacy.pth", "lightning.ckpt")) {
            Path file = copy(name, "model.npz");
            assertTrue(format.recognises(file));
            assertFalse(new NpzFormat().recognises(file));
            try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
                assertEquals("torch", checkpoint.format());
            }
        }
        Path npz = Files.write(temporary.resolve("x.pth"), TestFiles.zip(false, Map.of("a.npy", new byte[0])));
        assertFalse(format.recognises(npz));
        assertFalse(format.recognises(temporary));
        assertFalse(format.recognises(Files.write(temporary.resolve("short"), new byte[] {(byte) 0x80, 2})));
    }

    @Test
    void theFilesOfYourMt3Open() throws IOException {
        Path variants = SHARED.resolve("reference/yourmt3/variants");
        Assumptions.assumeTrue(Files.isDirectory(variants), "the files of YourMT3+ are not at " + variants);
        int files = 0;
        try (Stream<Path> folders = Files.list(variants)) {
            for (Path file : folders.map(folder -> folder.resolve("model.ckpt")).toList()) {
                try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
                    String keys = Files.readString(file.resolveSibling("state_dict_keys.json"), StandardCharsets.UTF_8);
                    for (TensorInfo tensor : checkpoint.tensors().values()) {
                        // The lists leave out what is not used.
                        assertTrue(
                                keys.contains("\"" + tensor.name() + "\"")
                                        || tensor.name().contains("pitchshift"),
                                tensor.name());
                        assertEquals(tensor.elements(), checkpoint.floats(tensor.name()).length);
                    }
                    assertTrue(checkpoint.metadata().containsKey("hyper_parameters.task_manager.task_name"));
                    files++;
                }
            }
        }
        assertEquals(12, files);
    }

    private Checkpoint open(String name) throws IOException {
        return format.open(copy(name, name));
    }

    private Path copy(String name, String as) throws IOException {
        Path file = temporary.resolve(as);
        try (InputStream in = TorchTest.class.getResourceAsStream("torch/" + name)) {
            Files.write(file, in.readAllBytes());
        }
        return file;
    }

    private void assertExpected(Checkpoint checkpoint, List<String> names) throws IOException {
        try (Checkpoint expected = new SafetensorsFormat().open(copy("expected.safetensors", "expected"))) {
            List<String> seen = new ArrayList<>();
            for (String name : names) {
                assertEquals(expected.tensors().get(name), checkpoint.tensors().get(name));
                assertEquals(expected.read(name), checkpoint.read(name), name);
                seen.add(name);
            }
            if (names.size() > 5) {
                assertEquals(List.copyOf(expected.tensors().keySet()), seen);
            }
        }
    }
}
