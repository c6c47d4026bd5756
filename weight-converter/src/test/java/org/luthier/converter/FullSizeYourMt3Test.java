package org.luthier.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.installer.Installation;
import org.luthier.installer.Installer;
import org.luthier.installer.Patience;
import org.luthier.model.yourmt3.YourMt3Family;
import org.luthier.workbench.ModelCatalog;

/**
 * Seeded checkpoints with every tensor that the five published ones of YourMT3+ have, and two moments of each: 345 to 724 MB, of which 110
 * to 180 MB are weights.
 */
@Tag("full")
class FullSizeYourMt3Test {
    private static final Path KEYS =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3/keys");

    /** The largest weight has 2.1 MB, the largest tensor, which is dropped, 72 MB; the rest is the program and the names. */
    private static final int HEAP = 48;

    private final YourMt3Family family = new YourMt3Family();
    private final ModelCatalog models =
            new ModelCatalog(List.of(Path.of(System.getProperty("luthier.root")).resolve("models")));

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "yourmt3-plus, ymt3plus, 192, 0, 0, false",
        "yourmt3-single, yptf_single, 386, 6, 0, false",
        "yourmt3-multi, yptf_multi, 386, 6, 0, true",
        "yourmt3-moe, yptf_moe_nops, 655, 6, 15, false",
        "yourmt3-moe-ps, yptf_moe_ps, 655, 6, 15, true"
    })
    void everyTensorIsAccountedForAndTheModelIsInstalled(
            String id, String variant, int keys, int counters, int secondNames, boolean pitchShift) throws Exception {
        assumeTrue(Files.isDirectory(KEYS), "no ../shared/reference/yourmt3");
        List<LightningFile.Tensor> tensors = new ArrayList<>(LightningFile.keys(KEYS.resolve(variant + ".keys.json")));
        assertEquals(keys, tensors.size());
        if (pitchShift) {
            tensors.addAll(LightningFile.pitchShift());
        }
        JsonNode arguments =
                JSON.readTree(KEYS.resolve(variant + ".hparams.json").toFile());
        Path source = folder.resolve("model.ckpt");
        ModelDefinition model = models.get(id);
        LightningFile.write(source, tensors, arguments, model.tokenizer(), 7);
        assertInstalled(model, source);
        Path safetensors = folder.resolve("x.safetensors");
        Path torch = folder.resolve("x.pth");
        double forth = convert(source, safetensors);
        double back = convert(safetensors, torch);
        Map<String, Integer> expected = new TreeMap<>();
        expected.put("drop: training state", counters);
        expected.put("second name", secondNames);
        expected.put("drop: kernels that shift the pitch in training", pitchShift ? 8 : 0);
        expected.values().removeIf(count -> count == 0);
        assertEquals(expected, YourMt3Conversion.assertComplete(source, ledger(), safetensors, torch));
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(source)) {
            System.out.printf(
                    "%s: %d tensors in %.0f MB, with %s storages of training; %.0f MB of weights in %.1f s, as a PyTorch"
                            + " file again in %.1f s, with a heap of %d MB%n",
                    variant,
                    tensors.size(),
                    Files.size(source) / 1e6,
                    checkpoint.metadata().get("storages outside state_dict"),
                    Files.size(safetensors) / 1e6,
                    forth,
                    back,
                    HEAP);
        }
    }

    /** As {@code model:install --from} does it; no other model takes the file. */
    private void assertInstalled(ModelDefinition model, Path source) {
        Installer installer =
                new Installer(folder.resolve("home"), Checkpoints.builtIn(), family::fits, Patience.USUAL);
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(source)) {
            assertEquals(
                    List.of(model),
                    models.models().stream()
                            .filter(each -> each.family().equals(family.id()) && family.fits(each, checkpoint))
                            .toList());
        }
        Installation installation =
                installer.install(model, source.toString(), folder, false, Progress.NONE, Cancellation.NONE);
        assertEquals(Installation.State.INSTALLED, installation.state());
        // Another file than the published one, if its checksum is known, is worth a remark.
        assertEquals(
                model.sources().get(0).sha256() == null ? 0 : 1,
                installation.remarks().size());
    }

    private double convert(Path source, Path target) throws IOException, InterruptedException {
        return ChildJvm.convert(
                HEAP, folder.resolve("log"), source.toString(), "-o", target.toString(), "--ledger", target + ".json");
    }

    /** What the conversion to safetensors wrote. */
    private Ledger ledger() throws IOException {
        JsonNode read = JSON.readTree(folder.resolve("x.safetensors.json").toFile());
        List<Ledger.Entry> entries = new ArrayList<>();
        for (JsonNode entry : read.get("entries")) {
            List<Long> shape = new ArrayList<>();
            entry.get("shape").forEach(size -> shape.add(size.longValue()));
            entries.add(new Ledger.Entry(
                    entry.get("source").textValue(),
                    entry.get("transform").textValue(),
                    entry.get("target").textValue(),
                    shape,
                    DType.valueOf(entry.get("dtype").textValue()),
                    entry.get("sha256Before").textValue(),
                    entry.get("sha256After").textValue()));
        }
        return new Ledger(
                read.get("source").textValue(),
                read.get("sourceSha256").textValue(),
                read.get("family").textValue(),
                entries);
    }
}
