package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.DType;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.converter.Converter;
import org.luthier.converter.Request;
import org.luthier.model.mt3.Mt3Family;
import org.luthier.workbench.TranscriptionRequest;

/** The real MT3 from files of every form and precision: the tokens that its own program has found. */
class Mt3CheckpointFormsTest {
    private static final Path SHARED =
            Path.of(System.getProperty("luthier.root")).resolve("../shared");
    private static final Path ORIGINAL = SHARED.resolve("checkpoints/mt3");
    private static final Path CORPUS = SHARED.resolve("reference/mt3/corpus");
    private static final List<String> PIECES = List.of("03_maple_leaf_piano", "05_winds", "08_ragtime_band");

    @TempDir
    Path folder;

    @BeforeEach
    void needsTheCheckpoint() {
        Assumptions.assumeTrue(
                Files.isDirectory(ORIGINAL) && Files.isDirectory(CORPUS),
                "the checkpoint of MT3 is not beside the checkout");
    }

    private Path converted(String name, DType dtype) {
        return new Converter(Checkpoints.builtIn(), List.of(new Mt3Family()))
                .convert(Request.of(ORIGINAL, folder.resolve(name)).dtype(dtype), 2, Progress.NONE, Cancellation.NONE)
                .target();
    }

    private static List<IntList> expected(String piece) throws IOException {
        List<IntList> segments = new ArrayList<>();
        for (JsonNode segment : new ObjectMapper()
                .readTree(CORPUS.resolve(piece + ".json").toFile())
                .get("segments")) {
            JsonNode tokens = segment.get("tokens");
            segments.add(IntLists.immutable.ofAll(
                    IntStream.range(0, tokens.size()).map(i -> tokens.get(i).intValue())));
        }
        return segments;
    }

    private static List<IntList> tokens(String piece, Path checkpoint) throws IOException {
        try (Luthier luthier = Luthier.open()) {
            return luthier
                    .transcribe(TranscriptionRequest.of(CORPUS.resolve(piece + ".wav"))
                            .withModel("mt3")
                            .withCheckpoint(checkpoint))
                    .segments()
                    .stream()
                    .map(segment -> segment.channels().get(0))
                    .toList();
        }
    }

    @Test
    void halfPrecision() throws IOException {
        assertEquals(expected(PIECES.get(0)), tokens(PIECES.get(0), converted("mt3.pth", DType.F16)));
    }

    @Tag("full")
    @ParameterizedTest
    @CsvSource({"mt3.safetensors, F32", "mt3.pth, F32", "mt3, F32", "mt3.pth, F16", "mt3.safetensors, F16"})
    void everyFormHasTheTokensOfTheReference(String name, DType dtype) throws IOException {
        Path checkpoint = converted(name, dtype);
        for (String piece : PIECES) {
            assertEquals(expected(piece), tokens(piece, checkpoint), piece);
        }
    }

    /** Eight bits of every weight are enough for most of the tokens, not for all. */
    @Tag("full")
    @Test
    void brainFloatsRun() throws IOException {
        Path checkpoint = converted("mt3.pth", DType.BF16);
        int same = 0;
        int all = 0;
        for (String piece : PIECES) {
            List<IntList> expected = expected(piece);
            List<IntList> found = tokens(piece, checkpoint);
            assertEquals(expected.size(), found.size());
            for (int i = 0; i < expected.size(); i++) {
                all++;
                same += expected.get(i).equals(found.get(i)) ? 1 : 0;
            }
        }
        System.out.println("bf16: " + same + " of " + all + " segments have the tokens of f32");
        assertTrue(same > 0);
    }
}
