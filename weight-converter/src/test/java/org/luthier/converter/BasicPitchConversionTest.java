package org.luthier.converter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.files.Sha256;

/** The committed weights of Basic Pitch: where they come from, and that they come out again. */
class BasicPitchConversionTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path MODEL = ROOT.resolve("models/basic-pitch");
    private static final Path WEIGHTS = MODEL.resolve("basic-pitch.safetensors");
    private static final Path LEDGER = MODEL.resolve("basic-pitch.ledger.json");

    @TempDir
    Path folder;

    private final Checkpoints checkpoints = Checkpoints.builtIn();
    private final List<ModelFamily> families = ServiceLoader.load(ModelFamily.class).stream()
            .map(ServiceLoader.Provider::get)
            .toList();
    private final Converter converter = new Converter(checkpoints, families);

    /** Needs the unpacked package: {@code npm pack @spotify/basic-pitch@1.0.1}, then tar, then this variable. */
    @Test
    void theConversionGivesTheCommittedBytes() throws IOException {
        String npm = System.getenv("LUTHIER_BASIC_PITCH_NPM");
        assumeTrue(npm != null, "set LUTHIER_BASIC_PITCH_NPM to the unpacked npm package @spotify/basic-pitch 1.0.1");
        Path target = folder.resolve("basic-pitch.safetensors");
        converter.convert(Request.of(Path.of(npm, "model"), target), 2, Progress.NONE, Cancellation.NONE);
        assertEquals(Sha256.hex(WEIGHTS), Sha256.hex(target));
        assertEquals(Files.readString(LEDGER), Files.readString(Converter.ledgerBeside(target)));
    }

    @Test
    void theWeightsAreThoseOfTheReference() {
        Path reference = ROOT.resolve("../shared/reference/basicpitch/weights/learned_weights.npz");
        assumeTrue(Files.exists(reference), "no ../shared/reference/basicpitch");
        Map<String, String> names = new LinkedHashMap<>();
        names.put("cqt_bn_scale", "batch_norm.scale");
        names.put("cqt_bn_offset", "batch_norm.offset");
        for (String layer : List.of("contour1", "contour2", "note1", "note2", "onset1", "onset2")) {
            names.put(layer + "_w", layer + ".weight");
            names.put(layer + "_b", layer + ".bias");
        }
        try (Checkpoint theirs = checkpoints.open(reference);
                Checkpoint ours = checkpoints.open(WEIGHTS)) {
            assertEquals(names.keySet(), theirs.tensors().keySet());
            assertEquals(names.size(), ours.tensors().size());
            names.forEach((their, our) -> {
                assertEquals(
                        theirs.tensors().get(their).shape(),
                        ours.tensors().get(our).shape(),
                        our);
                assertEquals(theirs.read(their), ours.read(our), our);
            });
        }
    }

    @Test
    void theLedgerIsThatOfTheWeights() throws IOException {
        JsonNode ledger = new ObjectMapper().readTree(Files.readString(LEDGER));
        assertEquals(Sha256.hex(WEIGHTS), ledger.get("targetSha256").textValue());
        int weights = 0;
        try (Checkpoint checkpoint = checkpoints.open(WEIGHTS)) {
            assertEquals(
                    checkpoint.metadata().get("sourceSha256"),
                    ledger.get("sourceSha256").textValue());
            for (JsonNode entry : ledger.get("entries")) {
                if (!entry.get("target").isNull()) {
                    weights++;
                    String sha256 =
                            Sha256.hex(checkpoint.read(entry.get("target").textValue()));
                    assertEquals(entry.get("sha256After").textValue(), sha256);
                    assertEquals(entry.get("sha256Before").textValue(), sha256, "a copy");
                }
            }
            assertEquals(checkpoint.tensors().size(), weights);
        }
    }

    @Test
    void convertedWeightsConvertAgain() {
        Path target = folder.resolve("again.safetensors");
        Conversion conversion = converter.convert(Request.of(WEIGHTS, target), 2, Progress.NONE, Cancellation.NONE);
        assertEquals("basic-pitch", conversion.ledger().family());
        try (Checkpoint before = checkpoints.open(WEIGHTS);
                Checkpoint after = checkpoints.open(target)) {
            assertEquals(before.tensors(), after.tensors());
            for (String name : before.tensors().keySet()) {
                assertArrayEquals(before.floats(name), after.floats(name), name);
            }
        }
    }

    @Test
    void thereAreNoNamesForT5x() {
        String message = assertThrows(
                        LuthierException.class,
                        () -> converter.convert(
                                Request.of(WEIGHTS, folder.resolve("t5x")), 1, Progress.NONE, Cancellation.NONE))
                .getMessage();
        assertEquals("the family basic-pitch has no names for t5x files, only for safetensors, tfjs", message);
    }
}
