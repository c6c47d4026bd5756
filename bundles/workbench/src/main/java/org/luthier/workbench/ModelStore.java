package org.luthier.workbench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.plugin.Part;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;
import org.luthier.checkpoint.Sha256Sums;
import org.luthier.files.NativeLibraries;
import org.luthier.files.Reason;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The loaded models, shared by the jobs that use them. A model is closed when its family leaves, when its checkpoint changes, or when it
 * is the longest unused of more than two; one in use is closed by its last user.
 */
final class ModelStore implements AutoCloseable {
    /** Models kept loaded: the one in use and the one before, so that going back and forth is quick. */
    private static final int RESIDENT = 2;

    /** Beside a model.json: the files of the published checkpoint, as sha256sum lists them. */
    private static final String PUBLISHED = "SHA256SUMS";

    /**
     * What makes a loaded model the right one.
     *
     * @param definition what it is
     * @param stamp tells whether the checkpoint has changed
     */
    record Key(ModelDefinition definition, Path checkpoint, Stamp stamp, Execution execution, ModelFamily family) {}

    /** Size and time of a checkpoint's files. */
    record Stamp(long files, long bytes, long modified) {
        static Stamp of(Path checkpoint) {
            try (Stream<Path> paths = Files.walk(checkpoint)) {
                long files = 0;
                long bytes = 0;
                long modified = 0;
                for (Path path : (Iterable<Path>) paths::iterator) {
                    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
                    files++;
                    bytes += attributes.isRegularFile() ? attributes.size() : 0;
                    modified = Math.max(modified, attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS));
                }
                return new Stamp(files, bytes, modified);
            } catch (IOException e) {
                throw new LuthierException("cannot read the checkpoint " + checkpoint + ": " + Reason.of(e), e);
            }
        }
    }

    /** A loaded model. What changes is guarded by the store. */
    static final class Loaded {
        private final Key key;
        private final Model model;
        private final String sha256;
        private final List<String> warnings;
        private int users;
        private boolean retired;

        private Loaded(Key key, Model model, String sha256, List<String> warnings) {
            this.key = key;
            this.model = model;
            this.sha256 = sha256;
            this.warnings = warnings;
        }

        Model model() {
            return model;
        }

        /** sha256 of the checkpoint. */
        String sha256() {
            return sha256;
        }

        /** What the checkpoint's reader remarked. */
        List<String> warnings() {
            return warnings;
        }
    }

    /** One at a time: loading takes much memory. */
    private final ReentrantLock loading = new ReentrantLock();
    /** Least recently used first. */
    private final List<Loaded> loaded = new ArrayList<>();

    /** Shares a model, loading it if need be. To be {@link #release}d. */
    Loaded open(Key key, Checkpoints checkpoints, Cancellation cancellation) {
        Loaded found = share(key);
        if (found != null) {
            return found;
        }
        lockLoading(cancellation);
        try {
            found = share(key);
            return found != null ? found : add(load(key, checkpoints, cancellation));
        } finally {
            loading.unlock();
        }
    }

    /** Ends one use. */
    void release(Loaded model) {
        boolean close;
        synchronized (this) {
            model.users--;
            close = model.users == 0 && model.retired;
        }
        if (close) {
            model.model.close();
        }
        closeAll(surplus());
    }

    /** Closes the models of a family that has left. */
    void retire(Part family) {
        List<Loaded> idle = new ArrayList<>();
        synchronized (this) {
            for (Loaded model : List.copyOf(loaded)) {
                if (model.key.family == family) {
                    retire(model, idle);
                }
            }
        }
        closeAll(idle);
    }

    /** Closes every model that is not in use; the others are closed by their last users. */
    @Override
    public void close() {
        List<Loaded> idle = new ArrayList<>();
        synchronized (this) {
            List.copyOf(loaded).forEach(model -> retire(model, idle));
        }
        closeAll(idle);
    }

    private synchronized Loaded share(Key key) {
        for (Loaded model : loaded) {
            if (model.key.equals(key)) {
                model.users++;
                loaded.remove(model);
                loaded.add(model);
                return model;
            }
        }
        return null;
    }

    private Loaded add(Loaded model) {
        List<Loaded> idle = new ArrayList<>();
        synchronized (this) {
            for (Loaded other : List.copyOf(loaded)) {
                boolean outdated = other.key.checkpoint.equals(model.key.checkpoint)
                        && other.key.family == model.key.family
                        && other.key.execution.equals(model.key.execution);
                if (outdated) {
                    retire(other, idle);
                }
            }
            model.users++;
            loaded.add(model);
        }
        closeAll(idle);
        closeAll(surplus());
        return model;
    }

    private synchronized List<Loaded> surplus() {
        List<Loaded> idle = new ArrayList<>();
        for (Loaded model : List.copyOf(loaded)) {
            if (loaded.size() > RESIDENT && model.users == 0) {
                retire(model, idle);
            }
        }
        return idle;
    }

    /** Takes a model out of what is shared; it is closed now or by its last user. */
    private void retire(Loaded model, List<Loaded> idle) {
        loaded.remove(model);
        model.retired = true;
        if (model.users == 0) {
            idle.add(model);
        }
    }

    private static void closeAll(List<Loaded> models) {
        models.forEach(model -> model.model.close());
    }

    private void lockLoading(Cancellation cancellation) {
        try {
            while (!loading.tryLock(100, TimeUnit.MILLISECONDS)) {
                cancellation.check();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }

    private static Loaded load(Key key, Checkpoints checkpoints, Cancellation cancellation) {
        startNd4j();
        cancellation.check();
        try (Checkpoint checkpoint = checkpoints.open(key.checkpoint)) {
            return load(key, checkpoint, cancellation);
        }
    }

    private static Loaded load(Key key, Checkpoint checkpoint, Cancellation cancellation) {
        try {
            MappedWeights weights =
                    NameRules.choose(key.family.nameRules(), checkpoint).apply(checkpoint, key.family.id());
            Model model = key.family.load(key.definition, new StoppableWeights(weights, cancellation), key.execution);
            try {
                cancellation.check();
                weights.finish();
                List<String> warnings = new ArrayList<>(checkpoint.warnings());
                warnings.addAll(weights.warnings());
                difference(key, checkpoint).ifPresent(warnings::add);
                return new Loaded(key, model, checkpoint.sha256(), List.copyOf(warnings));
            } catch (RuntimeException | Error e) {
                model.close();
                throw e;
            }
        } catch (CheckpointException e) {
            String difference = difference(key, checkpoint).orElseThrow(() -> e);
            throw new LuthierException(e.getMessage() + "; " + difference, e);
        }
    }

    /** What distinguishes a checkpoint from the published one, where the model's folder lists the files of that. */
    private static Optional<String> difference(Key key, Checkpoint checkpoint) {
        Path list = key.definition.folder().resolve(PUBLISHED);
        return Optional.of(list)
                .filter(Files::exists)
                .map(Sha256Sums::read)
                .filter(published -> published.concerns(checkpoint))
                .flatMap(published -> published.difference(checkpoint))
                .map(difference -> "the checkpoint " + key.checkpoint.getFileName()
                        + " is not the published one of model " + key.definition.id() + ": " + difference);
    }

    /**
     * Starts ND4J here, since it keeps threads that remember who started it: that must not be a plug-in. It prints the stack trace of a
     * backend that does not load; what it says is kept back until it is known whether it did.
     */
    private static synchronized void startNd4j() {
        PrintStream before = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            Nd4j.getBackend();
            said.writeTo(before);
        } catch (LinkageError e) {
            throw noNd4j(said.toString(StandardCharsets.UTF_8), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            System.setErr(before);
        }
    }

    private static LuthierException noNd4j(String said, LinkageError error) {
        Optional<String> full = NativeLibraries.shortage();
        if (full.isPresent()) {
            return new LuthierException(
                    "ND4J does not start, since its native libraries cannot be unpacked: " + full.get(), error);
        }
        Throwable cause = error;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String last = String.valueOf(cause.getMessage());
        String why = said.lines()
                .filter(line -> line.startsWith("java.lang.") && line.contains("Error: "))
                .map(line -> line.substring(line.indexOf("Error: ") + "Error: ".length()))
                .findFirst()
                .orElse(last);
        return new LuthierException(
                "ND4J does not start on this machine (" + why + "): its native libraries for "
                        + System.getProperty("os.name") + " " + System.getProperty("os.arch")
                        + " must be on the class path (those for CUDA need NVIDIA's driver), and the folder they are unpacked to"
                        + " writable; try 'luthier env'",
                error);
    }
}
