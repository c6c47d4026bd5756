package org.luthier.workbench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.notes.Transcription;
import org.luthier.files.AtomicFile;
import org.luthier.files.Reason;

/** Transcribes files to files: one failure does not stop the others, and nothing half-written is left. */
public final class TranscribeFiles {
    private final Workbench workbench;

    public TranscribeFiles(Workbench workbench) {
        this.workbench = workbench;
    }

    /** Told what becomes of each file, by the thread that runs them. */
    public interface Listener {
        /** A file is begun.
         *
         * @return told how far it is */
        Progress begun(OutputPlan.Entry entry);

        /** A file is done and everything written. */
        void done(OutputPlan.Entry entry, Transcription transcription);

        /** A file could not be done.
         *
         * @param trouble a {@link LuthierException}, or anything else if it is a defect */
        void failed(OutputPlan.Entry entry, RuntimeException trouble);
    }

    /**
     * Transcribes every entry of a plan, in order.
     *
     * @param request everything but the audio file
     * @return how many could not be done
     * @throws LuthierException before any work if a setting or an id is wrong, or jobs are to be kept of a model that writes no tokens
     * @throws org.luthier.api.CancelledException if it was cancelled; what was finished stays
     */
    public int run(OutputPlan plan, TranscriptionRequest request, Listener listener, Cancellation cancellation) {
        workbench.check(request);
        for (OutputPlan.Entry entry : plan.entries()) {
            written(entry).forEach(target -> workbench.checkWriter(target.writer(), target.settings()));
            if (kept(entry).isPresent()) {
                workbench.checkKeeps(request);
            }
        }
        int failures = 0;
        for (OutputPlan.Entry entry : plan.entries()) {
            cancellation.check();
            try {
                listener.done(entry, transcribe(entry, plan, request, listener, cancellation));
            } catch (CancelledException e) {
                throw e;
            } catch (RuntimeException e) {
                failures++;
                listener.failed(entry, e);
            }
        }
        return failures;
    }

    private Transcription transcribe(
            OutputPlan.Entry entry,
            OutputPlan plan,
            TranscriptionRequest request,
            Listener listener,
            Cancellation cancellation) {
        for (OutputPlan.Target target : entry.targets()) {
            AtomicFile.check(missingFolder(target, plan).orElse(target.path()), plan.force());
        }
        // The newest first, so that a folder is empty when it goes.
        List<Path> created = new ArrayList<>();
        try {
            Transcription transcription =
                    transcribe(entry, plan, request, Listeners.of(listener.begun(entry)), cancellation, created);
            for (OutputPlan.Target target : written(entry)) {
                cancellation.check();
                write(
                        target,
                        plan,
                        created,
                        () -> workbench.write(
                                transcription, target.writer(), target.settings(), target.path(), plan.force()));
            }
            return transcription;
        } catch (RuntimeException | Error e) {
            created.forEach(TranscribeFiles::delete);
            throw e;
        }
    }

    /** Transcribes one file, and keeps the job if the plan says so. */
    private Transcription transcribe(
            OutputPlan.Entry entry,
            OutputPlan plan,
            TranscriptionRequest request,
            Listeners listeners,
            Cancellation cancellation,
            List<Path> created) {
        TranscriptionRequest one = request.withAudio(entry.audio());
        Optional<OutputPlan.Target> kept = kept(entry);
        if (kept.isEmpty()) {
            return workbench.transcribe(one, listeners, cancellation);
        }
        Transcription[] transcription = new Transcription[1];
        write(kept.get(), plan, created, () -> {
            try (KeptJobWriter keeper = new KeptJobWriter(kept.get().path(), plan.force())) {
                transcription[0] = workbench.transcribe(one, listeners.withKeeper(keeper), cancellation);
                keeper.finish(transcription[0]);
            }
        });
        return transcription[0];
    }

    /** Writes a file, making its folder if need be, and remembers what was not there before. */
    private static void write(OutputPlan.Target target, OutputPlan plan, List<Path> created, Runnable work) {
        missingFolder(target, plan).ifPresent(folder -> {
            if (create(folder)) {
                created.add(0, folder);
            }
        });
        boolean fresh = !Files.exists(target.path());
        work.run();
        if (fresh) {
            created.add(0, target.path());
        }
    }

    private static Optional<OutputPlan.Target> kept(OutputPlan.Entry entry) {
        return entry.targets().stream()
                .filter(target -> target.writer().equals(KeptJob.OUTPUT))
                .findFirst();
    }

    /** The files that writers write. */
    private static List<OutputPlan.Target> written(OutputPlan.Entry entry) {
        return entry.targets().stream()
                .filter(target -> !target.writer().equals(KeptJob.OUTPUT))
                .toList();
    }

    /** The folder to make before a file can be written. */
    private static Optional<Path> missingFolder(OutputPlan.Target target, OutputPlan plan) {
        return Optional.ofNullable(target.path().getParent())
                .filter(folder -> plan.folders().contains(folder) && !Files.isDirectory(folder));
    }

    /** Makes a folder; false if somebody else has just done so. */
    private static boolean create(Path folder) {
        try {
            Files.createDirectory(folder);
            return true;
        } catch (IOException e) {
            if (Files.isDirectory(folder)) {
                return false;
            }
            throw new LuthierException("cannot make the folder " + folder + ": " + Reason.of(e), e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (DirectoryNotEmptyException e) {
            // Somebody else's file is in it by now.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
