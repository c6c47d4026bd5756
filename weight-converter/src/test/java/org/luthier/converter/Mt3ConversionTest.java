package org.luthier.converter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.files.Sha256;
import org.luthier.model.mt3.Mt3Family;

/** A small MT3 of two layers, with seeded weights, through all the formats. */
class Mt3ConversionTest {
    private static final int BANDS = 512;
    private static final int MODEL = 6;
    private static final int HEADS = 4;
    private static final int MLP = 10;
    private static final int IDS = 14;

    private final Mt3Family family = new Mt3Family();
    private final Checkpoints checkpoints = Checkpoints.builtIn();
    private final Converter converter = new Converter(checkpoints, List.of(family));
    private final Map<String, SafetensorsWriter.Tensor> weights = new TreeMap<>();
    private final Random random = new Random(5);

    @TempDir
    Path folder;

    private Path canonical;

    @BeforeEach
    void makeWeights() throws IOException {
        add("encoder.input_projection.weight", BANDS, MODEL);
        add("decoder.token_embedding.weight", IDS, MODEL);
        add("decoder.logits.weight", MODEL, IDS);
        for (String side : List.of("encoder", "decoder")) {
            add(side + ".out.scale", MODEL);
            for (int layer = 0; layer < 2; layer++) {
                String prefix = side + ".layer" + layer + ".";
                for (String attention :
                        side.equals("encoder") ? List.of("attention") : List.of("self_attention", "cross_attention")) {
                    add(prefix + "pre_" + attention + "_norm.scale", MODEL);
                    add(prefix + attention + ".q.weight", MODEL, HEADS);
                    add(prefix + attention + ".k.weight", MODEL, HEADS);
                    add(prefix + attention + ".v.weight", MODEL, HEADS);
                    add(prefix + attention + ".out.weight", HEADS, MODEL);
                }
                add(prefix + "pre_mlp_norm.scale", MODEL);
                add(prefix + "mlp.wi_0.weight", MODEL, MLP);
                add(prefix + "mlp.wi_1.weight", MODEL, MLP);
                add(prefix + "mlp.wo.weight", MLP, MODEL);
            }
        }
        canonical = write("canonical.safetensors", List.copyOf(weights.values()));
    }

    private void add(String name, long... shape) {
        int count = 1;
        for (long size : shape) {
            count *= (int) size;
        }
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        weights.put(name, SafetensorsWriter.Tensor.of(name, values, shape));
    }

    private Path write(String name, List<SafetensorsWriter.Tensor> tensors) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, Map.of("step", "77"), tensors);
        }
        return file;
    }

    private Conversion convert(Request request) {
        return converter.convert(request, 3, Progress.NONE, Cancellation.NONE);
    }

    private Path converted(Path source, String target) {
        return convert(Request.of(source, folder.resolve(target))).target();
    }

    /** The tensors of a file as they are, to be written again with changes. */
    private Map<String, SafetensorsWriter.Tensor> tensors(Path file) {
        Map<String, SafetensorsWriter.Tensor> tensors = new TreeMap<>();
        try (Checkpoint checkpoint = checkpoints.open(file)) {
            checkpoint.tensors().values().forEach(tensor -> {
                ByteBuffer bytes = checkpoint.read(tensor.name());
                byte[] copy = new byte[bytes.remaining()];
                bytes.get(copy);
                tensors.put(
                        tensor.name(),
                        new SafetensorsWriter.Tensor(
                                tensor.name(), tensor.dtype(), tensor.shape(), ByteBuffer.wrap(copy)));
            });
        }
        return tensors;
    }

    @ParameterizedTest
    @CsvSource({"t5x, mt3", "torch, mt3.pth", "safetensors, mt3.safetensors"})
    void aModelLoadsTheSameWeightsFromEveryFormat(String format, String name) {
        Path file = converted(canonical, name);
        try (Checkpoint checkpoint = checkpoints.open(file)) {
            assertEquals(format, checkpoint.format());
            assertTrue(family.recognises(checkpoint));
            MappedWeights loaded =
                    NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id());
            weights.forEach((weight, tensor) -> {
                float[] expected = new float[tensor.bytes().remaining() / Float.BYTES];
                tensor.bytes()
                        .duplicate()
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asFloatBuffer()
                        .get(expected);
                long[] shape =
                        tensor.shape().stream().mapToLong(Long::longValue).toArray();
                assertArrayEquals(expected, loaded.take(weight, shape), weight);
            });
            loaded.finish();
            assertEquals(List.of(), loaded.warnings());
        }
    }

    @Test
    void roundTripsAreBitEqualWhateverTheWay() throws IOException {
        Path first = converted(canonical, "first.safetensors");
        Path t5x = converted(first, "t5x");
        Path torch = converted(t5x, "torch.pth");
        Path again = converted(torch, "again");
        Path last = converted(again, "last.safetensors");
        assertEquals(sums(t5x), sums(again));
        assertEquals(sums(first), sums(last));
        assertEquals(weights.size(), sums(last).size());
    }

    private Map<String, String> sums(Path file) {
        Map<String, String> sums = new TreeMap<>();
        tensors(file).forEach((name, tensor) -> sums.put(name + tensor.shape(), Sha256.hex(tensor.bytes())));
        return sums;
    }

    @Test
    void theTrainingStepGoesAlong() {
        try (Checkpoint t5x = checkpoints.open(converted(converted(canonical, "a.safetensors"), "t5x"))) {
            assertEquals("77", t5x.metadata().get("step"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"t5x", "x.pth", "x.safetensors"})
    void theSameSourceGivesTheSameBytesWithAnyNumberOfWorkers(String name) throws IOException {
        Request request = Request.of(canonical, folder.resolve(name)).overwrite(true);
        convert(request);
        Map<String, String> before = files();
        converter.convert(request, 1, Progress.NONE, Cancellation.NONE);
        assertEquals(before, files());
    }

    private Map<String, String> files() throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                files.put(folder.relativize(file).toString(), Sha256.hex(file));
            }
        }
        return files;
    }

    @ParameterizedTest
    @CsvSource({"F16, t5x", "BF16, t5x", "F16, x.pth", "BF16, x.pth", "F16, x.safetensors", "BF16, x.safetensors"})
    void halfTheBytesInEveryFormat(DType type, String name) {
        Conversion conversion =
                convert(Request.of(canonical, folder.resolve(name)).dtype(type));
        String scale = "encoder.out.scale";
        Ledger.Entry entry = conversion.ledger().entries().stream()
                .filter(each -> each.source().equals(scale))
                .findFirst()
                .orElseThrow();
        assertEquals("to " + type, entry.transform());
        assertEquals(type, entry.dtype());
        try (Checkpoint before = checkpoints.open(canonical);
                Checkpoint after = checkpoints.open(conversion.target())) {
            assertTrue(after.tensors().values().stream().allMatch(tensor -> tensor.dtype() == type));
            float[] exact = before.floats(scale);
            float[] rounded = after.floats(entry.target());
            // Half of the distance of neighbours: 2^-11 in binary16, 2^-9 in bfloat16.
            double bound = type == DType.F16 ? 0x1p-11 : 0x1p-8;
            for (int i = 0; i < exact.length; i++) {
                assertEquals(exact[i], rounded[i], bound * Math.abs(exact[i]));
            }
            assertEquals(entry.sha256After(), Sha256.hex(after.read(entry.target())));
        }
    }

    @Test
    void whatIsTooLargeForATypeIsRefused() throws IOException {
        weights.put(
                "encoder.out.scale",
                SafetensorsWriter.Tensor.of("encoder.out.scale", new float[] {1, 2, 3, 70000, 5, 6}, MODEL));
        Path file = write("large.safetensors", List.copyOf(weights.values()));
        Map<String, String> before = files();
        String message = assertThrows(
                        CheckpointException.class,
                        () -> convert(Request.of(file, folder.resolve("t5x")).dtype(DType.F16)))
                .getMessage();
        assertTrue(
                message.contains("'encoder.encoder_norm.scale' has a NaN or an infinity at element 3, as F16"),
                message);
        assertEquals(before, files());
    }

    @Test
    void storagesCanBeMapped() throws IOException {
        Path file = converted(canonical, "x.pth");
        String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        // Names and shapes of the state_dict are as torch has them, so the first weight is this one.
        byte[] first = new byte[4 * MODEL];
        tensors(file)
                .get("decoder.block.0.layer.0.SelfAttention.k.weight")
                .bytes()
                .get(first);
        int at = text.indexOf(new String(first, StandardCharsets.ISO_8859_1));
        assertTrue(at > 0);
        assertEquals(0, at % 64);
        assertFalse(text.contains("UT"), "a time of this machine");
    }

    /** As the common port to PyTorch has them: second names, and positions of another formula. */
    private Map<String, SafetensorsWriter.Tensor> port() {
        Map<String, SafetensorsWriter.Tensor> tensors = tensors(converted(canonical, "port.pth"));
        for (String side : List.of("encoder", "decoder")) {
            float[] positions = new float[256];
            for (int i = 0; i < positions.length; i++) {
                positions[i] = (float) Math.pow(10000, -i / 256.0);
            }
            String name = side + ".pos_emb.inv_freq";
            tensors.put(name, SafetensorsWriter.Tensor.of(name, positions, positions.length));
        }
        return tensors;
    }

    @Test
    void secondNamesAndPositionsAreDroppedAndListed() throws IOException {
        Path file = write("port.safetensors", List.copyOf(port().values()));
        Conversion conversion = convert(Request.of(file, folder.resolve("mt3.safetensors")));
        Map<String, String> dropped = new TreeMap<>();
        for (Ledger.Entry entry : conversion.ledger().entries()) {
            if (entry.target() == null) {
                dropped.put(entry.source(), entry.transform());
            }
        }
        assertEquals(
                Map.of(
                        "decoder.embed_tokens.weight", "drop: second name of decoder_embed_tokens.weight",
                        "decoder.pos_emb.inv_freq", "drop: positions are computed",
                        "encoder.embed_tokens.weight", "drop: second name of proj.weight",
                        "encoder.pos_emb.inv_freq", "drop: positions are computed"),
                dropped);
        assertEquals(2, conversion.warnings().size(), conversion.warnings().toString());
        assertTrue(
                conversion.warnings().get(0).contains("'decoder.pos_emb.inv_freq' does not hold 10000^(-i/255)"),
                conversion.warnings().toString());
        assertTrue(Files.readString(Converter.ledgerBeside(conversion.target())).contains("\"warnings\":["));
        assertEquals(sums(converted(canonical, "direct.safetensors")), sums(conversion.target()));
    }

    @Test
    void aSecondNameThatHoldsSomethingElseIsRefused() throws IOException {
        Map<String, SafetensorsWriter.Tensor> tensors = port();
        SafetensorsWriter.Tensor alias = tensors.get("encoder.embed_tokens.weight");
        byte[] changed = new byte[alias.bytes().remaining()];
        alias.bytes().duplicate().get(changed);
        changed[0]++;
        tensors.put(
                alias.name(),
                new SafetensorsWriter.Tensor(alias.name(), alias.dtype(), alias.shape(), ByteBuffer.wrap(changed)));
        Path file = write("port.safetensors", List.copyOf(tensors.values()));
        String message = refused(Request.of(file, folder.resolve("mt3.safetensors")));
        assertTrue(message.contains("'encoder.embed_tokens.weight' should be a second name of 'proj.weight'"), message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "encoder.block.1.layer.0.SelfAttention.q.weight | encoder.block.1.layer.0.SelfAttention.qq.weight |"
                        + " no tensor 'encoder.block.1.layer.0.SelfAttention.q.weight'; the nearest name is"
                        + " 'encoder.block.1.layer.0.SelfAttention.qq.weight'",
                "decoder.block.0.layer.2.DenseReluDense.wo.weight | | no tensor"
                        + " 'decoder.block.0.layer.2.DenseReluDense.wo.weight'",
            })
    void aMissingTensorIsNamedInAnyLayer(String name, String renamed, String expected) throws IOException {
        Map<String, SafetensorsWriter.Tensor> tensors = port();
        SafetensorsWriter.Tensor gone = tensors.remove(name);
        if (renamed != null) {
            tensors.put(renamed, new SafetensorsWriter.Tensor(renamed, gone.dtype(), gone.shape(), gone.bytes()));
        }
        Path file = write("port.safetensors", List.copyOf(tensors.values()));
        String message = refused(Request.of(file, folder.resolve("mt3.safetensors")));
        assertTrue(message.contains(expected), message);
    }

    @Test
    void aMatrixOfAnotherShapeIsRefusedThoughNoShapeIsWritten() throws IOException {
        add("encoder.layer1.attention.k.weight", HEADS, MODEL);
        Path file = write("turned.safetensors", List.copyOf(weights.values()));
        String message = refused(Request.of(file, folder.resolve("mt3.safetensors")));
        assertTrue(
                message.contains("expected [model, heads] with model 6, heads 4 for"
                        + " 'encoder.layer1.attention.k.weight', got [4, 6]"),
                message);
    }

    private String refused(Request request) throws IOException {
        Map<String, String> before = files();
        String message =
                assertThrows(LuthierException.class, () -> convert(request)).getMessage();
        assertEquals(before, files());
        return message;
    }

    @Test
    void ownRulesComeFirst() throws IOException {
        List<SafetensorsWriter.Tensor> fork = port().values().stream()
                .map(tensor -> new SafetensorsWriter.Tensor(
                        "model." + tensor.name(), tensor.dtype(), tensor.shape(), tensor.bytes()))
                .toList();
        Path file = write("fork.safetensors", fork);
        Path rules = Path.of(System.getProperty("luthier.root")).resolve("docs/mr-mt3.names.json");
        Request request = Request.of(file, folder.resolve("mt3.safetensors"));
        assertTrue(refused(request).contains("no model family recognises it"));
        Conversion conversion = convert(request.rules(rules));
        assertEquals(sums(converted(canonical, "direct.safetensors")), sums(conversion.target()));
        assertTrue(conversion.ledger().entries().stream()
                .anyMatch(entry -> entry.source().equals("model.lm_head.weight")
                        && entry.transform().equals("transpose 1 0")
                        && "decoder.logits.weight".equals(entry.target())));
        Request wrong = Request.of(canonical, folder.resolve("t5x")).rules(rules);
        assertTrue(refused(wrong).contains("are not for canonical.safetensors"));
    }

    /** A fork with keys and values in one matrix. */
    @Test
    void ownRulesSplitWhatAForkStacked() throws IOException {
        List<SafetensorsWriter.Tensor> fork = new ArrayList<>();
        for (int layer = 0; layer < 2; layer++) {
            String prefix = "encoder.layer" + layer + ".attention.";
            SafetensorsWriter.Tensor k = weights.remove(prefix + "k.weight");
            SafetensorsWriter.Tensor v = weights.remove(prefix + "v.weight");
            ByteBuffer both = ByteBuffer.allocate(2 * MODEL * HEADS * Float.BYTES);
            for (int row = 0; row < MODEL; row++) {
                both.put(k.bytes().slice(row * HEADS * Float.BYTES, HEADS * Float.BYTES));
                both.put(v.bytes().slice(row * HEADS * Float.BYTES, HEADS * Float.BYTES));
            }
            fork.add(new SafetensorsWriter.Tensor(
                    prefix + "kv.weight", DType.F32, List.of((long) MODEL, 2L * HEADS), both.flip()));
        }
        fork.addAll(weights.values());
        Path file = write("fork.safetensors", fork);
        Path rules = Files.writeString(folder.resolve("fork.names.json"), """
                {"format": "luthier-names/1", "recognisedBy": ["encoder.layer*.attention.kv.weight"], "rules": [
                  {"match": "encoder.layer*.attention.kv.weight", "split": 1,
                   "to": ["encoder.layer{1}.attention.k.weight", "encoder.layer{1}.attention.v.weight"]}]}
                """);
        Conversion conversion =
                convert(Request.of(file, folder.resolve("mt3.safetensors")).rules(rules));
        assertEquals(sums(converted(canonical, "direct.safetensors")), sums(conversion.target()));
        assertEquals(
                List.of("split 1 1/2", "split 1 2/2"),
                conversion.ledger().entries().stream()
                        .filter(entry -> entry.source().equals("encoder.layer0.attention.kv.weight"))
                        .map(Ledger.Entry::transform)
                        .toList());
    }

    @Test
    void aFolderThatIsNoCheckpointIsNeverReplaced() throws IOException {
        Path precious = Files.createDirectory(folder.resolve("precious"));
        Files.writeString(precious.resolve("thesis.tex"), "text");
        assertTrue(refused(Request.of(canonical, precious)).contains("exists"));
        assertTrue(refused(Request.of(canonical, precious).overwrite(true)).contains("no folder of this kind"));
    }

    @Test
    void aCancelledConversionLeavesNothing() throws IOException {
        for (String name : List.of("t5x", "x.pth", "x.safetensors")) {
            Map<String, String> before = files();
            int[] asked = {0};
            assertThrows(
                    CancelledException.class,
                    () -> converter.convert(
                            Request.of(canonical, folder.resolve(name)), 2, Progress.NONE, () -> ++asked[0] > 10));
            assertEquals(before, files());
        }
        try (Stream<Path> all = Files.list(folder)) {
            assertFalse(all.anyMatch(path -> path.getFileName().toString().startsWith(".luthier")));
        }
    }

    @Test
    void progressEndsWithAllBytes() {
        List<Long> told = new ArrayList<>();
        converter.convert(
                Request.of(canonical, folder.resolve("x.pth")),
                2,
                (phase, done, total) -> told.addAll(List.of(done, total)),
                Cancellation.NONE);
        long bytes = weights.values().stream()
                .mapToLong(tensor -> tensor.bytes().remaining())
                .sum();
        assertEquals(List.of(bytes, bytes), told.subList(told.size() - 2, told.size()));
    }
}
