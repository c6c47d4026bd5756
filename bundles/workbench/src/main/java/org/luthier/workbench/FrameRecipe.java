package org.luthier.workbench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.Recording;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Posteriorgram;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.plugin.Settings;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Samples to segments to posteriorgrams to notes. Each worker takes the next group of segments and writes its frames to their place,
 * so that the result does not depend on how many workers there are.
 */
record FrameRecipe(FrameModel model, FrameNoteAssembler assembler, Settings settings) implements Recipe {
    /** Largest array that every Java machine can make. */
    private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

    @Override
    public Outcome transcribe(Source source, Run run) {
        // The samples are nobody's once the frames are there: an hour of them is 300 MB.
        Frames frames = frames(source.read(model.frontend().framing().sampleRate()), run);
        long begin = Phases.now();
        run.progress().update("notes", 0, 1);
        List<Note> notes = assembler.assemble(frames.posteriorgrams(), settings, run.cancellation());
        run.progress().update("notes", 1, 1);
        run.phases().add(Phases.Phase.NOTES, begin);
        return new Outcome(frames.audio(), frames.seconds(), List.copyOf(notes), List.of(), 0, 0);
    }

    private record Frames(AudioFacts audio, double seconds, Posteriorgrams posteriorgrams) {}

    private Frames frames(Recording recording, Run run) {
        long begin = Phases.now();
        int count = model.joining().frames(recording.samples().length);
        List<Posteriorgram> joined = new ArrayList<>();
        for (FrameLayout.Output output : model.layout().outputs()) {
            if ((long) count * output.bins() > MAX_ARRAY) {
                throw new LuthierException(String.format(
                        "%s: %.1f hours are too long for %s (%d frames of %d bins); cut the recording into parts",
                        recording.facts().file(),
                        recording.seconds() / 3600,
                        model.definition().id(),
                        count,
                        output.bins()));
            }
            joined.add(new Posteriorgram(output.name(), count, output.bins(), new float[count * output.bins()]));
        }
        Segments segments = new Segments(recording.samples(), joined, run);
        int workers = Math.min(run.workers(), segments.groups);
        Workers.run(run.name() + "-worker", workers, run.cancellation(), segments::work);
        run.phases()
                .divide(
                        Phases.Phase.FRONTEND,
                        segments.frontendNanos.get(),
                        Phases.Phase.ENCODER,
                        segments.networkNanos.get(),
                        begin);
        return new Frames(
                recording.facts(),
                recording.seconds(),
                new Posteriorgrams(model.layout(), model.joining().clock(), joined));
    }

    /** The segments of a recording, dealt out to the workers in groups. */
    private final class Segments {
        private final float[] samples;
        private final List<Posteriorgram> joined;
        private final Run run;
        private final Framing framing = model.frontend().framing();
        private final int count;
        private final int groups;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicLong frontendNanos = new AtomicLong();
        private final AtomicLong networkNanos = new AtomicLong();

        private Segments(float[] samples, List<Posteriorgram> joined, Run run) {
            this.samples = samples;
            this.joined = joined;
            this.run = run;
            this.count = framing.segments(samples.length);
            this.groups = (int) (((long) count + run.batch() - 1) / run.batch());
        }

        /** What one worker does. */
        private void work(Cancellation stop) {
            int rows = Math.min(run.batch(), count);
            float[] cut = new float[Math.multiplyExact(rows, framing.window())];
            try (Frontend.Session frontend = model.frontend().open(rows);
                    FrameModel.Session network = model.open(rows)) {
                for (int group = next.getAndIncrement(); group < groups; group = next.getAndIncrement()) {
                    stop.check();
                    int first = group * rows;
                    Position at = Position.segments(first, Math.min(rows, count - first));
                    run(at, cut, frontend, network, stop);
                    run.progress().update("windows", done.addAndGet(at.rows()), count);
                }
            }
        }

        private void run(
                Position at, float[] cut, Frontend.Session frontend, FrameModel.Session network, Cancellation stop) {
            int window = framing.window();
            int[] lengths = new int[at.rows()];
            for (int row = 0; row < at.rows(); row++) {
                framing.cut(samples, at.segment(row), cut, row * window);
                lengths[row] = framing.length(samples.length, at.segment(row));
            }
            float[] filled = at.rows() * window == cut.length ? cut : Arrays.copyOf(cut, at.rows() * window);
            // [rows, window]
            try (INDArray segments = Nd4j.create(filled, new long[] {at.rows(), window}, 'c')) {
                long begin = Phases.now();
                // [rows, feature shape...]
                INDArray features = frontend.features(segments, lengths, at, Probe.NONE);
                frontendNanos.addAndGet(Phases.now() - begin);
                stop.check();
                begin = Phases.now();
                // each [rows, segment frames, bins]
                List<INDArray> outputs = network.run(features, at, Probe.NONE);
                for (int i = 0; i < outputs.size(); i++) {
                    join(outputs.get(i), at, joined.get(i));
                }
                networkNanos.addAndGet(Phases.now() - begin);
            }
        }

        /** Lays the inner frames of each segment at their place in the recording. */
        private void join(INDArray output, Position at, Posteriorgram target) {
            float[] values = floats(output);
            int trim = model.joining().trim();
            int segmentFrames = model.joining().segmentFrames();
            int kept = segmentFrames - 2 * trim;
            int bins = target.bins();
            for (int row = 0; row < at.rows(); row++) {
                int start = at.segment(row) * kept;
                int frames = Math.min(kept, target.frames() - start);
                if (frames > 0) {
                    System.arraycopy(
                            values, (row * segmentFrames + trim) * bins, target.values(), start * bins, frames * bins);
                }
            }
        }

        private static float[] floats(INDArray array) {
            boolean plain = array.ordering() == 'c' && !array.isView();
            return (plain ? array : array.dup('c')).data().asFloat();
        }
    }
}
