package org.luthier.debug.doctor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.audio.Recording;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.assembler.basicpitch.BasicPitchNoteAssembler;
import org.luthier.assembler.mt3.Mt3ReferenceAssembler;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.decoder.greedy.GreedyDecoder;
import org.luthier.model.basicpitch.BasicPitchFamily;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.luthier.tokenizer.yourmt3.Tasks;
import org.luthier.workbench.ModelCatalog;
import org.luthier.workbench.Parts;
import org.luthier.workbench.Workbench;

/** A workbench with the real parts, one of which may be ill. */
final class Clinic implements AutoCloseable {
    static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    static final Path SHARED = ROOT.resolve("../shared");

    private final Workbench workbench;

    /**
     * @param family runs the models that are examined
     * @param models folders of models
     */
    Clinic(ModelFamily family, Path... models) {
        Parts parts = new Parts();
        for (CheckpointFormat format : Checkpoints.builtIn().formats()) {
            parts.add(CheckpointFormat.class, format, "1.0.0", 0);
        }
        parts.add(ModelFamily.class, family, "1.0.0", 0);
        parts.add(ModelFamily.class, new BasicPitchFamily(), "1.0.0", 0);
        parts.add(Tokenizer.class, new Mt3Tokenizer(), "1.0.0", 0);
        parts.add(Tokenizer.class, new Mt3PianoTokenizer(), "1.0.0", 0);
        Tasks.all().forEach(tokenizer -> parts.add(Tokenizer.class, tokenizer, "1.0.0", 0));
        parts.add(Decoder.class, new GreedyDecoder(), "1.0.0", 0);
        parts.add(NoteAssembler.class, new Mt3ReferenceAssembler(), "1.0.0", 0);
        parts.add(NoteAssembler.class, new BasicPitchNoteAssembler(), "1.0.0", 0);
        parts.add(AudioReader.class, new WavReader(), "1.0.0", 0);
        workbench = new Workbench(parts, new ModelCatalog(List.of(models)), new Execution("cpu", "cpu", 1));
    }

    Diagnosis examine(Path checkpoint, String model, Path audio, Path reference) {
        return new Doctor(workbench)
                .examine(
                        new Doctor.Question(checkpoint, model, audio, reference, null),
                        (what, done, total) -> {},
                        Cancellation.NONE);
    }

    Diagnosis examine(Path checkpoint) {
        return examine(checkpoint, null, null, null);
    }

    @Override
    public void close() {
        workbench.close();
    }

    /** Writes one channel of 16-bit samples. */
    static Path wav(Path file, float[] samples, int rate) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(44 + 2 * samples.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(24);
        bytes.putInt(rate);
        bytes.position(44);
        for (float sample : samples) {
            bytes.putShort((short) Math.round(sample * Short.MAX_VALUE));
        }
        return Files.write(file, bytes.array());
    }

    /** Reads one channel of 16-bit samples behind a header of 44 bytes, and takes the nearest sample for another rate. */
    private static final class WavReader implements AudioReader {
        @Override
        public String id() {
            return Workbench.AUDIO_READER;
        }

        @Override
        public String description() {
            return "One channel of 16 bits";
        }

        @Override
        public Recording read(Path file, int sampleRate, Progress progress, Cancellation cancellation) {
            ByteBuffer bytes;
            try {
                bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            int rate = bytes.getInt(24);
            int frames = (bytes.limit() - 44) / 2;
            float[] samples = new float[(int) ((long) frames * sampleRate / rate)];
            float peak = 0;
            long clipped = 0;
            for (int i = 0; i < frames; i++) {
                int sample = bytes.getShort(44 + 2 * i);
                peak = Math.max(peak, Math.abs(sample / 32768f));
                clipped += Math.abs(sample) >= Short.MAX_VALUE ? 1 : 0;
            }
            for (int i = 0; i < samples.length; i++) {
                samples[i] = bytes.getShort(44 + 2 * (int) ((long) i * rate / sampleRate)) / 32768f;
            }
            AudioFacts facts = new AudioFacts(
                    file.getFileName().toString(), "wav", rate, 1, frames, peak, clipped, 0, peak == 0, List.of());
            return new Recording(samples, sampleRate, facts);
        }
    }
}
