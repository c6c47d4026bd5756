package org.luthier.workbench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.audio.Recording;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.notes.FrameClock;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Posteriorgram;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Settings;
import org.luthier.checkpoint.SafetensorsFormat;
import org.luthier.checkpoint.SafetensorsWriter;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A whole little world of parts: a "recording" file holds its number of samples, sample i is i/1000 mod 1, a frame is five samples, and
 * the model puts out the first sample of each frame times its weight.
 */
final class Fakes {
    static final int RATE = 100;
    static final int SAMPLES_A_FRAME = 5;
    static final int KEPT = 4;
    static final int TRIM = 2;
    static final int BINS = 3;
    static final int WINDOW = (KEPT + 2 * TRIM) * SAMPLES_A_FRAME;

    private Fakes() {}

    /** A workbench with one model, {@code basic-pitch}, of the fake family, and every part it needs. */
    static final class World {
        final Path folder;
        final Parts parts;
        final Workbench workbench;
        final Family family = new Family();
        final Assembler assembler = new Assembler();
        Registration familyRegistration;
        Registration assemblerRegistration;

        World(Path folder, Parts parts) {
            this.folder = folder;
            this.parts = parts;
            writeModel(folder, "basic-pitch", 1f);
            parts.add(AudioReader.class, new Reader(), "1.0.0", 0);
            parts.add(CheckpointFormat.class, new SafetensorsFormat(), "1.0.0", 0);
            parts.add(TranscriptionWriter.class, new NotesJsonWriter(), "1.0.0", 0);
            familyRegistration = parts.add(ModelFamily.class, family, "1.0.0", 0);
            assemblerRegistration = parts.add(NoteAssembler.class, assembler, "1.0.0", 0);
            workbench = new Workbench(parts, new ModelCatalog(List.of(folder)), new Execution("cpu", "fake", 2));
        }

        /** A file that the fake reader reads as so many samples. */
        Path audio(String name, int samples) {
            return write(folder.resolve(name), Integer.toString(samples));
        }
    }

    static void writeModel(Path models, String id, float gain) {
        Path folder = models.resolve(id);
        try {
            Files.createDirectories(folder);
            writeWeights(folder.resolve("fake.safetensors"), gain);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        write(folder.resolve("model.json"), """
                {"id": "%s", "title": "A fake", "family": "fake", "assembler": "fake-notes", "weights": "fake.safetensors",
                 "licence": "CC0-1.0"}
                """.formatted(id));
    }

    static void writeWeights(Path file, float gain) throws IOException {
        writeWeights(file, gain, Map.of());
    }

    /** @param metadata may have a {@code size}: the model that the weights then describe themselves has it in its configuration */
    static void writeWeights(Path file, float gain, Map<String, String> metadata) throws IOException {
        try (var out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, metadata, List.of(SafetensorsWriter.Tensor.of("gain", new float[] {gain}, 1)));
        }
    }

    static Path write(Path file, String text) {
        try {
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static final class Reader implements AudioReader {
        @Override
        public String id() {
            return "ffmpeg";
        }

        @Override
        public String description() {
            return "Reads a number of samples";
        }

        @Override
        public Recording read(Path file, int sampleRate, Progress progress, Cancellation cancellation) {
            int count;
            try {
                count = Integer.parseInt(Files.readString(file));
            } catch (IOException | NumberFormatException e) {
                throw new LuthierException("cannot read " + file.getFileName(), e);
            }
            float[] samples = new float[count];
            for (int i = 0; i < count; i++) {
                samples[i] = (i % 1000) / 1000f;
            }
            progress.update("decode audio", count, count);
            return new Recording(
                    samples,
                    sampleRate,
                    new AudioFacts(
                            file.getFileName().toString(),
                            "fake",
                            sampleRate,
                            1,
                            count,
                            1,
                            2,
                            3,
                            false,
                            List.of("odd")));
        }
    }

    /** Loads models and counts those that are open. */
    static final class Family implements ModelFamily {
        final AtomicInteger loaded = new AtomicInteger();
        final AtomicInteger open = new AtomicInteger();
        /** Called by each worker with the number of the segment it begins. */
        volatile IntConsumer atSegment = segment -> {};
        /** Called before the weights of a model are read. */
        volatile Runnable atLoad = () -> {};

        @Override
        public String id() {
            return "fake";
        }

        @Override
        public String description() {
            return "A fake family";
        }

        @Override
        public boolean recognises(Checkpoint checkpoint) {
            return checkpoint.tensors().containsKey("gain");
        }

        @Override
        public boolean fits(ModelDefinition definition, Checkpoint checkpoint) {
            String size = checkpoint.metadata().get("size");
            return size == null
                    || size.equals(String.valueOf(definition.configuration().get("size")));
        }

        @Override
        public Optional<ModelDefinition> definition(Checkpoint checkpoint, Path path) {
            return Optional.ofNullable(checkpoint.metadata().get("size"))
                    .map(size -> new ModelDefinition(
                            id(),
                            "What it says itself",
                            id(),
                            null,
                            null,
                            "fake-notes",
                            null,
                            Map.of("size", Integer.valueOf(size)),
                            path.getFileName().toString(),
                            List.of(),
                            "CC0-1.0",
                            null,
                            path.getParent()));
        }

        @Override
        public List<URL> nameRules() {
            return List.of(Fakes.class.getResource("fake-names.json"));
        }

        @Override
        public Model load(ModelDefinition definition, Weights weights, Execution execution) {
            atLoad.run();
            Network network = new Network(this, definition, weights.take("gain", 1)[0], weights.ledger());
            loaded.incrementAndGet();
            open.incrementAndGet();
            return network;
        }
    }

    private record Network(Family family, ModelDefinition definition, float gain, Ledger ledger) implements FrameModel {
        @Override
        public FrameLayout layout() {
            return new FrameLayout(20, List.of(new FrameLayout.Output("note", BINS, 60, 1)));
        }

        @Override
        public Joining joining() {
            return new Joining() {
                @Override
                public int segmentFrames() {
                    return KEPT + 2 * TRIM;
                }

                @Override
                public int trim() {
                    return TRIM;
                }

                @Override
                public int frames(long samples) {
                    return (int) (samples / SAMPLES_A_FRAME);
                }

                @Override
                public FrameClock clock() {
                    return frame -> frame / 20.0;
                }
            };
        }

        @Override
        public Frontend frontend() {
            return new Identity(
                    new Framing(RATE, WINDOW, KEPT * SAMPLES_A_FRAME, TRIM * SAMPLES_A_FRAME, 0), segment -> {});
        }

        @Override
        public Session open(int rows) {
            return new Session() {
                @Override
                public List<INDArray> run(INDArray features, Position at, Probe probe) {
                    family.atSegment.accept(at.segment(0));
                    int frames = joining().segmentFrames();
                    INDArray output = org.nd4j.linalg.factory.Nd4j.create(at.rows(), frames, BINS);
                    for (int row = 0; row < at.rows(); row++) {
                        for (int frame = 0; frame < frames; frame++) {
                            for (int bin = 0; bin < BINS; bin++) {
                                output.putScalar(
                                        row, frame, bin, gain * features.getFloat(row, frame * SAMPLES_A_FRAME) + bin);
                            }
                        }
                    }
                    return List.of(output);
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public Layer root() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {
            family.open.decrementAndGet();
        }
    }

    /**
     * Features that are the samples.
     *
     * @param begun told the first segment of each call
     */
    record Identity(Framing framing, IntConsumer begun) implements Frontend {

        @Override
        public Layer layer() {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Long> featureShape() {
            return List.of((long) framing.window());
        }

        @Override
        public Session open(int rows) {
            return new Session() {
                @Override
                public INDArray features(INDArray samples, int[] lengths, Position at, Probe probe) {
                    begun.accept(at.segment(0));
                    return samples;
                }

                @Override
                public void close() {}
            };
        }
    }

    /** Makes a note of every frame, whose velocity says nothing and whose amplitude is the frame's first value. */
    static final class Assembler implements FrameNoteAssembler {
        volatile Runnable atStart = () -> {};

        @Override
        public String id() {
            return "fake-notes";
        }

        @Override
        public String description() {
            return "A note a frame";
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(Parameter.number("floor", 0.0, 0, 1, "", "Quieter frames make no notes."));
        }

        @Override
        public void checkFits(FrameLayout layout) {}

        @Override
        public List<Note> assemble(Posteriorgrams posteriorgrams, Settings settings, Cancellation cancellation) {
            atStart.run();
            cancellation.check();
            Posteriorgram note = posteriorgrams.get("note");
            List<Note> notes = new ArrayList<>();
            for (int frame = 0; frame < note.frames(); frame++) {
                double start = posteriorgrams.clock().seconds(frame);
                float value = note.at(frame, 0);
                if (value >= settings.number("floor")) {
                    notes.add(new Note(start, start + 0.05, 60, 64, 0, false, value, null));
                }
            }
            return notes;
        }
    }
}
