package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.TokenModel;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.TranscriptionRequest;

/** YourMT3+ in an application: it comes without its weights. */
class YourMt3Test {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path VARIANTS = ROOT.resolve("../shared/reference/yourmt3/variants");
    private static final List<String> MODELS =
            List.of("yourmt3-moe", "yourmt3-moe-ps", "yourmt3-multi", "yourmt3-plus", "yourmt3-single");

    @TempDir
    Path folder;

    @Test
    void everyPublishedModelIsInsideWithItsParts() {
        try (Luthier luthier = Luthier.builder().models(folder).open()) {
            for (String id : MODELS) {
                ModelDefinition model = luthier.workbench().catalog().get(id);
                assertTrue(luthier.workbench().parts().ids(Tokenizer.class).contains(model.tokenizer()), id);
                assertTrue(luthier.workbench().parts().ids(Decoder.class).contains(model.decoder()), id);
                assertTrue(luthier.workbench().parts().ids(NoteAssembler.class).contains(model.assembler()), id);
                assertTrue(
                        luthier.workbench()
                                .parts()
                                .ids(TranscriptionWriter.class)
                                .contains(model.midiWriter()),
                        id);
                LuthierException e = assertThrows(
                        LuthierException.class, () -> luthier.workbench().openModel(id, null, null));
                assertTrue(e.getMessage().startsWith("model " + id + " has no weights at " + folder), e.getMessage());
            }
        }
    }

    /** That of YourMT3+ has 480 ticks a quarter, the usual one 220. */
    @Test
    void theModelsWriterWritesTheMidiFile() throws IOException {
        try (Luthier luthier = Luthier.open()) {
            Path file = folder.resolve("empty.mid");
            luthier.write(
                    new Transcription(
                            1, List.of(), List.of(), 0, 0, null, "yourmt3-midi", new Timing(0, 0, 0, 0, 0, 0)),
                    file);
            assertEquals(480, ByteBuffer.wrap(Files.readAllBytes(file)).getShort(12));
        }
    }

    @Test
    void aCheckpointThatIsNoneOfThemIsRunAsWhatItSaysItself() {
        Path checkpoint = VARIANTS.resolve("moe_rope_multi/model.ckpt");
        Assumptions.assumeTrue(Files.exists(checkpoint), "no reference of YourMT3+ beside the checkout");
        try (Luthier luthier = Luthier.open()) {
            try (ModelLease lease = luthier.workbench().openModel(null, checkpoint, null)) {
                TokenModel model = (TokenModel) lease.model();
                assertEquals("yourmt3", model.definition().id());
                assertEquals("yourmt3-midi", model.definition().midiWriter());
                assertEquals("mc13_full_plus_256", model.layout().vocabulary().task());
                assertEquals(13, model.layout().channels());
            }
            LuthierException e = assertThrows(
                    LuthierException.class, () -> luthier.workbench().openModel("yourmt3-moe", checkpoint, null));
            assertEquals(
                    checkpoint + ": the checkpoint does not fit --model yourmt3-moe:"
                            + " hyper_parameters.audio_cfg.input_frames is 2399 in the checkpoint, 32767 in the model;"
                            + " without --model it is run as what it says itself",
                    e.getMessage());
            // Its segments are a fifteenth of those that its task's ids tell of.
            e = assertThrows(
                    LuthierException.class,
                    () -> luthier.transcribe(TranscriptionRequest.of(ROOT.resolve("samples/bach-prelude.flac"))
                            .withCheckpoint(checkpoint)));
            assertTrue(e.getMessage().contains("length of a segment"), e.getMessage());
        }
    }
}
