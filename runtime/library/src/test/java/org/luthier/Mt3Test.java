package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Decoder;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Transcription;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.workbench.Listeners;
import org.luthier.workbench.TranscriptionRequest;

/** MT3 in an application: it comes without its weights. */
class Mt3Test {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path SHARED = ROOT.resolve("../shared");

    @TempDir
    Path folder;

    @Test
    void everythingButTheWeightsIsInside() {
        try (Luthier luthier = Luthier.builder().models(folder).open()) {
            assertTrue(luthier.workbench()
                    .parts()
                    .ids(Tokenizer.class)
                    .containsAll(List.of("mt3", "mt3-piano", "mt3_full_plus", "mc13_full_plus_256")));
            assertEquals(
                    List.of("beam", "grammar", "greedy", "t5x-beam1", "yourmt3-greedy"),
                    luthier.workbench().parts().ids(Decoder.class));
            TranscriptionRequest request = TranscriptionRequest.of(ROOT.resolve("samples/bach-prelude.flac"));
            LuthierException e =
                    assertThrows(LuthierException.class, () -> luthier.transcribe(request.withModel("mt3")));
            assertTrue(e.getMessage().startsWith("model mt3 has no weights at " + folder), e.getMessage());
            assertEquals(1, e.getMessage().lines().count());
        }
    }

    @Test
    void notesComeAsTheyAreFound() throws IOException {
        Path checkpoint = SHARED.resolve("checkpoints/mt3");
        Path audio = SHARED.resolve("reference/mt3/corpus/03_maple_leaf_piano.wav");
        Assumptions.assumeTrue(Files.isDirectory(checkpoint), "the checkpoint of MT3 is not here: " + checkpoint);
        List<Note> told = Collections.synchronizedList(new ArrayList<>());
        try (Luthier luthier = Luthier.open()) {
            // The family and the model are found by the checkpoint.
            TranscriptionRequest request = TranscriptionRequest.of(audio).withCheckpoint(checkpoint);
            Transcription transcription = luthier.start(request.withBatch(3), Listeners.NONE.withNotes(told::addAll))
                    .await();
            assertEquals("mt3", transcription.provenance().model().id());
            assertEquals(List.of(), transcription.provenance().warnings());
            assertEquals(transcription.notes(), told);
            // What the reference found in this piece.
            assertEquals(356, told.size());
            assertEquals(9, transcription.segments().size());
            assertEquals(
                    1192,
                    transcription.segments().stream()
                            .mapToInt(segment -> segment.channels().get(0).size())
                            .sum());
            assertEquals(27, transcription.invalid());
            luthier.write(transcription, folder.resolve("maple.mid"));
            assertTrue(Files.size(folder.resolve("maple.mid")) > 1000);
        }
    }
}
