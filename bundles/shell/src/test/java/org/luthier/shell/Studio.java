package org.luthier.shell;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.UsageException;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.audio.Recording;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Settings;
import org.luthier.checkpoint.SafetensorsFormat;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.midi.MidiWriter;
import org.luthier.shell.internal.Captured;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.ModelCatalog;
import org.luthier.workbench.Parts;
import org.luthier.workbench.Workbench;

/** A workbench with a toy model, whose audio files are lists of numbers, ten a second. */
final class Studio implements AutoCloseable {
    final Path folder;
    final Parts parts = new Parts();
    final Workbench workbench;
    final Surroundings surroundings;
    final ToyFamily family = new ToyFamily();
    /** Counted down when a file called slow.wav is being read. */
    final CountDownLatch reading = new CountDownLatch(1);

    Studio(Path folder) throws IOException {
        this.folder = folder;
        Path model = Files.createDirectories(folder.resolve("models/basic-pitch"));
        Files.writeString(model.resolve("model.json"), """
                {"id": "basic-pitch", "title": "A toy", "family": "toy-family", "assembler": "toy-notes",
                 "configuration": {"colour": "red"}, "weights": "toy.safetensors", "licence": "Apache-2.0",
                 "sources": [{"url": "https://example.org/toy", "bytes": 1234567, "sha256": "%s"}]}
                """.formatted("0".repeat(64)));
        weights(model.resolve("toy.safetensors"), 1);
        Path broken = Files.createDirectories(folder.resolve("models/broken"));
        Files.writeString(broken.resolve("model.json"), "{");
        parts.add(ModelFamily.class, family, "1.0.0", 0);
        parts.add(CheckpointFormat.class, new SafetensorsFormat(), "1.0.0", 0);
        parts.add(NoteAssembler.class, new ToyNotes(), "1.2.3", 0);
        parts.add(AudioReader.class, new ToyReader(), "1.0.0", 0);
        parts.add(TranscriptionWriter.class, new MidiWriter(), "1.0.0", 0);
        surroundings = Map.of(
                "luthier.home",
                folder.resolve("home").toString(),
                "luthier.models",
                folder.resolve("home/models") + File.pathSeparator + folder.resolve("models"),
                "luthier.cache",
                folder.resolve("cache").toString())::get;
        workbench = new Workbench(parts, new ModelCatalog(List.of(folder.resolve("models"))));
    }

    /** Writes weights for the toy model. */
    static Path weights(Path file, float gain) throws IOException {
        return weights(file, gain, Map.of());
    }

    /** @param metadata may have a {@code colour}, which the toy model has too: it is red */
    static Path weights(Path file, float gain, Map<String, String> metadata) throws IOException {
        try (var out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, metadata, List.of(SafetensorsWriter.Tensor.of("gain", new float[] {gain}, 1)));
        }
        return file;
    }

    /** Writes an audio file. */
    Path audio(String name, String samples) throws IOException {
        return Files.writeString(folder.resolve(name), samples);
    }

    /** Runs a command in the folder. */
    int run(ShellCommand<?> command, Captured captured, String... arguments) {
        return command.execute(List.of(arguments), captured.console(false, false, folder));
    }

    /** The names of the files in the folder that are no models. */
    List<String> files() throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    @Override
    public void close() {
        workbench.close();
    }

    private final class ToyReader implements AudioReader {
        @Override
        public String id() {
            return "ffmpeg";
        }

        @Override
        public String description() {
            return "Reads numbers.";
        }

        @Override
        public Recording read(Path file, int sampleRate, Progress progress, Cancellation cancellation) {
            if (file.endsWith("slow.wav")) {
                reading.countDown();
                while (true) {
                    cancellation.check();
                    Thread.onSpinWait();
                }
            }
            String text;
            try {
                text = Files.readString(file);
            } catch (IOException e) {
                throw new LuthierException(file + ": there is no such file", e);
            }
            if (text.startsWith("defect")) {
                throw new UncheckedIOException(new IOException("a defect"));
            }
            List<Float> numbers = new ArrayList<>();
            for (String word : text.strip().split("\\s+")) {
                try {
                    numbers.add(Float.parseFloat(word));
                } catch (NumberFormatException e) {
                    throw new LuthierException(file + ": expected audio, got text", e);
                }
            }
            float[] samples = new float[numbers.size()];
            for (int i = 0; i < samples.length; i++) {
                samples[i] = numbers.get(i);
            }
            AudioFacts facts = new AudioFacts(
                    file.getFileName().toString(), "numbers", 10, 1, samples.length, 1, 0, 0, false, List.of("odd"));
            return new Recording(samples, sampleRate, facts);
        }
    }

    /** A note for every frame above a threshold. */
    private static final class ToyNotes implements FrameNoteAssembler {
        @Override
        public String id() {
            return "toy-notes";
        }

        @Override
        public String description() {
            return "A note a frame.";
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(
                    Parameter.number("threshold", 0.5, 0, 1, "", "Least level of a note."),
                    Parameter.number("ceiling", null, 0, 1, "", "Largest level of a note."));
        }

        @Override
        public void check(Settings settings) {
            if (settings.isSet("ceiling") && settings.number("threshold") > settings.number("ceiling")) {
                throw new UsageException("--threshold " + settings.number("threshold") + " is above --ceiling "
                        + settings.number("ceiling"));
            }
        }

        @Override
        public void checkFits(FrameLayout layout) {}

        @Override
        public List<Note> assemble(Posteriorgrams posteriorgrams, Settings settings, Cancellation cancellation) {
            List<Note> notes = new ArrayList<>();
            for (int frame = 0; frame < posteriorgrams.frames(); frame++) {
                if (posteriorgrams.get("level").at(frame, 0) > settings.number("threshold")) {
                    double start = posteriorgrams.clock().seconds(frame);
                    notes.add(Note.of(start, start + 0.1, 60, 80, 0, false));
                }
            }
            return notes;
        }
    }
}
