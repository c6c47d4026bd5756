package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.assembler.mt3.Mt3ReferenceAssembler;
import org.luthier.audio.FfmpegAudioReader;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.decoder.greedy.GrammarDecoder;
import org.luthier.decoder.greedy.GreedyDecoder;
import org.luthier.model.mt3.Mt3Family;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.luthier.workbench.KeptJobWriter;
import org.luthier.workbench.Listeners;
import org.luthier.workbench.ModelCatalog;
import org.luthier.workbench.Parts;
import org.luthier.workbench.RedecodeJob;
import org.luthier.workbench.TranscriptionRequest;
import org.luthier.workbench.Workbench;

/** A job of the real MT3, kept and decoded again from what its encoder made: the tokens are those of the whole way. */
class Mt3RedecodeTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    private static final Path CHECKPOINT = ROOT.resolve("../shared/checkpoints/mt3");
    private static final Path CORPUS = ROOT.resolve("../shared/reference/mt3/corpus");
    /** Two whole segments and a bit: the third segment is not the recording's any more. */
    private static final int SAMPLES = 2 * 32768 + 9000;

    @TempDir
    Path folder;

    @Test
    void theKeptEncodingGivesTheSameTokens() throws Exception {
        Assumptions.assumeTrue(Files.isDirectory(CHECKPOINT), "no MT3 checkpoint at " + CHECKPOINT);
        Path audio = SoundFiles.floatWave(folder.resolve("start.wav"), start("05_winds"), 16000);
        Path job = folder.resolve("start.job");
        try (Workbench workbench = workbench()) {
            TranscriptionRequest request =
                    TranscriptionRequest.of(audio).withModel("mt3").withCheckpoint(CHECKPOINT);
            Transcription transcription;
            try (KeptJobWriter keeper = new KeptJobWriter(job, false)) {
                transcription = workbench.transcribe(
                        request, Listeners.of(Progress.NONE).withKeeper(keeper), Cancellation.NONE);
                keeper.finish(transcription);
            }
            JsonNode segments = new ObjectMapper()
                    .readTree(CORPUS.resolve("05_winds.json").toFile())
                    .get("segments");
            for (int segment = 0; segment < 2; segment++) {
                IntList tokens =
                        transcription.segments().get(segment).channels().get(0);
                assertEquals(
                        segments.get(segment).get("tokens").toString(),
                        Arrays.toString(tokens.toArray()).replace(" ", ""));
            }

            RedecodeJob redecode = new RedecodeJob(workbench);
            TranscriptionRequest again = TranscriptionRequest.of(null).withCheckpoint(CHECKPOINT);
            RedecodeJob.Result greedy =
                    redecode.run(job, again.withDecoder("greedy").withBatch(1), Progress.NONE, Cancellation.NONE);
            assertEquals(List.of(), greedy.changed());
            assertEquals(transcription.notes(), greedy.redecoded().notes());
            assertEquals(
                    transcription.provenance().remarks(),
                    greedy.redecoded().provenance().remarks(),
                    "nothing was encoded anew");

            RedecodeJob.Result grammar =
                    redecode.run(job, again.withDecoder("grammar"), Progress.NONE, Cancellation.NONE);
            assertEquals("grammar", grammar.redecoded().provenance().decoder().id());
            assertTrue(grammar.redecoded().notes().size() > 0);
        }
    }

    private static float[] start(String name) {
        return Arrays.copyOf(
                new FfmpegAudioReader()
                        .read(CORPUS.resolve(name + ".wav"), 16000, Progress.NONE, Cancellation.NONE)
                        .samples(),
                SAMPLES);
    }

    private static Workbench workbench() {
        Parts parts = new Parts();
        parts.add(AudioReader.class, new FfmpegAudioReader(), "1.0.0", 0);
        Checkpoints.builtIn().formats().forEach(format -> parts.add(CheckpointFormat.class, format, "1.0.0", 0));
        parts.add(ModelFamily.class, new Mt3Family(), "1.0.0", 0);
        parts.add(Tokenizer.class, new Mt3Tokenizer(), "1.0.0", 0);
        for (Decoder decoder : List.of(new GreedyDecoder(), new GrammarDecoder())) {
            parts.add(Decoder.class, decoder, "1.0.0", 0);
        }
        parts.add(NoteAssembler.class, new Mt3ReferenceAssembler(), "1.0.0", 0);
        return new Workbench(parts, new ModelCatalog(List.of(ROOT.resolve("models"))), new Execution("cpu", "cpu", 2));
    }
}
