package org.luthier.installer;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.Sha256Sums;

/**
 * Gets the weights of models and puts them where the workbench looks for them.
 *
 * <p>What comes is kept apart until it is complete, of the published size and checksum, and was opened; then it takes its name in one
 * step. What a failure, an interrupt or a killed process leaves is gone on with the next time. One process installs at a time.
 */
public final class Installer {
    private static final String SUMS = "SHA256SUMS";
    private static final String OTHERS = "; to run other weights, use --checkpoint PATH";

    private final Path models;
    private final Checkpoints checkpoints;
    private final BiPredicate<ModelDefinition, Checkpoint> fits;
    private final Patience patience;

    /**
     * @param models the user's folder of models
     * @param checkpoints open what came
     * @param fits whether a checkpoint is one of a model
     * @param patience with servers
     */
    public Installer(
            Path models, Checkpoints checkpoints, BiPredicate<ModelDefinition, Checkpoint> fits, Patience patience) {
        this.models = models;
        this.checkpoints = checkpoints;
        this.fits = fits;
        this.patience = patience;
    }

    /**
     * Installs the weights of a model; if there are some, only looks at them.
     *
     * @param from a URL of a file, or of a folder, with a slash at its end; or the path of a file or folder; null for where the model's
     *     definition says
     * @param current the folder that a relative path is in
     * @param replace whether to install in place of weights that are there
     * @throws LuthierException if it cannot be done
     * @throws CancelledException if it was cancelled or the thread interrupted
     */
    public Installation install(
            ModelDefinition model,
            String from,
            Path current,
            boolean replace,
            Progress progress,
            Cancellation cancellation) {
        Path target = models.resolve(model.id()).resolve(model.weights());
        boolean builtIn = Files.exists(model.weightsPath()) && !isSame(model.weightsPath(), target);
        if (builtIn && (from != null || replace)) {
            throw new LuthierException("the weights of " + model.id() + " come with its model.json, at "
                    + model.weightsPath() + "; to run others, use --checkpoint PATH");
        }
        if (builtIn || Files.exists(target) && !replace) {
            Path weights = builtIn ? model.weightsPath() : target;
            return look(
                    model,
                    weights,
                    weights.toString(),
                    builtIn ? Installation.State.BUILT_IN : Installation.State.PRESENT,
                    false,
                    List.of());
        }
        boolean local = from != null && !Http.isUrl(from);
        String origin = from == null ? source(model).url() : from;
        URI uri = local ? null : Http.uri(origin, from != null);
        Path path = local ? path(origin, current) : null;
        // A copy is quick; it never goes on with what an earlier one left.
        try (Staging staging = Staging.open(models, target, local ? "copy " + UUID.randomUUID() : origin)) {
            List<String> remarks = new ArrayList<>();
            Path staged;
            if (local) {
                try {
                    staged = copy(path, model, staging, progress, cancellation);
                } catch (LuthierException e) {
                    staging.discard();
                    throw e;
                }
            } else {
                staged = fetch(
                        uri, from == null ? source(model) : null, model, staging, remarks, progress, cancellation);
            }
            cancellation.check();
            Installation installation;
            try {
                installation = look(model, staged, origin, Installation.State.INSTALLED, from == null, remarks);
            } catch (LuthierException e) {
                cancellation.check();
                if (Thread.currentThread().isInterrupted()) {
                    throw new CancelledException();
                }
                // Going on with what is wrong would never make it right.
                staging.discard();
                throw e;
            }
            if (from != null && !installation.published() && isPublished(model)) {
                remarks.add("the published weights of " + model.id()
                        + " are other files; these were not compared with them");
            }
            cancellation.check();
            staging.install(staged);
            return new Installation(
                    installation.state(),
                    target,
                    installation.arrays(),
                    installation.bytes(),
                    installation.sha256(),
                    installation.published(),
                    List.copyOf(remarks));
        }
    }

    private static boolean isPublished(ModelDefinition model) {
        return sums(model).isPresent() || model.sources().stream().anyMatch(source -> source.sha256() != null);
    }

    private static boolean isSame(Path one, Path other) {
        return one.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize());
    }

    private static ModelDefinition.Source source(ModelDefinition model) {
        if (model.sources().isEmpty()) {
            throw new LuthierException("the model.json of " + model.id()
                    + " does not say where its weights come from; use --from URL or PATH");
        }
        return model.sources().get(0);
    }

    private static Path path(String text, Path current) {
        try {
            return current.resolve(text);
        } catch (InvalidPathException e) {
            throw new LuthierException("no path: '" + text + "': " + e.getReason(), e);
        }
    }

    private static Optional<Path> sums(ModelDefinition model) {
        return Optional.of(model.folder().resolve(SUMS)).filter(Files::exists);
    }

    /**
     * @param source what is published of it, or null if it comes from elsewhere
     * @return the file or folder that came together
     */
    private Path fetch(
            URI uri,
            ModelDefinition.Source source,
            ModelDefinition model,
            Staging staging,
            List<String> remarks,
            Progress progress,
            Cancellation cancellation) {
        Downloads downloads = new Downloads(staging, new Http(patience), patience, progress, cancellation);
        long bytes = source == null || source.bytes() == 0 ? -1 : source.bytes();
        if (!String.valueOf(uri.getPath()).endsWith("/")) {
            String sha256 = source == null ? null : source.sha256();
            if (bytes > 0) {
                staging.requireRoom(bytes);
            }
            downloads.fetch(List.of(new Item(model.weights(), uri, bytes, Listing.MOST_BYTES, null, sha256)), bytes);
            return staging.complete(model.weights());
        }
        Map<String, String> published =
                sums(model).map(Sha256Sums::read).map(Sha256Sums::files).orElse(Map.of());
        Listing listing = new Listing(uri, published, downloads, staging);
        List<Item> items = listing.read();
        remarks.addAll(listing.remarks());
        long total = bytes;
        if (items.stream().allMatch(item -> item.size() >= 0)) {
            total = items.stream().mapToLong(Item::size).sum();
            if (bytes >= 0 && total != bytes) {
                throw new LuthierException(uri + ": expected files of " + bytes + " bytes together, the list has "
                        + total + ": these are other weights; use --from URL or PATH to get them from elsewhere");
            }
            if (total > Listing.MOST_BYTES) {
                throw new LuthierException(uri + ": the files have " + total + " bytes together, at most "
                        + Listing.MOST_BYTES + " make sense");
            }
            if (published.isEmpty()) {
                remarks.add("no sha256 is published for " + model.id() + ": checked were the sizes"
                        + (items.stream().allMatch(item -> item.md5() != null) ? " and MD5 sums" : "")
                        + " of the list of its files");
            }
        }
        staging.requireRoom(Math.max(0, total));
        downloads.fetch(items, total);
        staging.retain(items.stream().map(Item::path).collect(Collectors.toSet()));
        return staging.files();
    }

    /** Copies the files of a checkpoint, and nothing else that may lie beside them. */
    private Path copy(Path from, ModelDefinition model, Staging staging, Progress progress, Cancellation cancellation) {
        boolean folder = Files.isDirectory(from);
        try (Checkpoint checkpoint = checkpoints.open(from)) {
            requireFit(model, checkpoint, from.toString(), OTHERS);
            List<String> files = List.copyOf(checkpoint.files().keySet());
            if (!folder && files.size() > 1) {
                throw new LuthierException(from
                        + " consists of several files; convert it with checkpoint:convert, then install the result");
            }
            long total = 0;
            for (String file : files) {
                total += Files.size(folder ? from.resolve(file) : from);
            }
            staging.requireRoom(total);
            long done = 0;
            for (String file : files) {
                cancellation.check();
                Path source = folder ? from.resolve(file) : from;
                Path grows = staging.partial(file);
                copy(source, grows, cancellation);
                staging.finish(grows, staging.complete(folder ? file : model.weights()));
                done += Files.size(source);
                progress.update("copy", done, total);
            }
        } catch (IOException e) {
            if (Thread.interrupted()) {
                throw new CancelledException();
            }
            throw Staging.cannotWrite(staging.files(), e);
        }
        return folder ? staging.files() : staging.complete(model.weights());
    }

    private static void copy(Path from, Path to, Cancellation cancellation) throws IOException {
        // The copy is the user's to change, whatever the permissions of the original.
        try (InputStream in = Files.newInputStream(from);
                OutputStream out = Files.newOutputStream(to)) {
            byte[] block = new byte[1 << 20];
            for (int count = in.read(block); count >= 0; count = in.read(block)) {
                cancellation.check();
                out.write(block, 0, count);
            }
        }
    }

    private void requireFit(ModelDefinition model, Checkpoint checkpoint, String called, String next) {
        if (!fits.test(model, checkpoint)) {
            throw new LuthierException(called + " (" + checkpoint.format() + ", "
                    + checkpoint.tensors().size() + " arrays) is no checkpoint of model " + model.id() + next);
        }
    }

    /**
     * Opens weights, and compares them with what is published.
     *
     * @param called what a user knows them as
     * @param strict whether they come from where the definition says, and must be what it says
     */
    private Installation look(
            ModelDefinition model,
            Path weights,
            String called,
            Installation.State state,
            boolean strict,
            List<String> remarks) {
        String next = state == Installation.State.PRESENT ? "; install them anew with --force" : OTHERS;
        try (Checkpoint checkpoint = checkpoints.open(weights)) {
            requireFit(model, checkpoint, called, next);
            String sha256 = checkpoint.sha256();
            Optional<Sha256Sums> sums = sums(model).map(Sha256Sums::read).filter(list -> list.concerns(checkpoint));
            sums.flatMap(list -> list.difference(checkpoint)).ifPresent(difference -> {
                throw new LuthierException(
                        called + ": these are not the published weights of " + model.id() + ": " + difference + next);
            });
            String known = model.sources().stream()
                    .map(ModelDefinition.Source::sha256)
                    .filter(sha256::equals)
                    .findFirst()
                    .orElse(null);
            boolean published = sums.isPresent() || known != null;
            if (!published && strict && source(model).sha256() != null) {
                throw new LuthierException(called + ": expected the published sha256 "
                        + source(model).sha256() + ", got " + sha256 + next);
            }
            long bytes = 0;
            for (String file : checkpoint.files().keySet()) {
                bytes += Files.size(Files.isDirectory(weights) ? weights.resolve(file) : weights);
            }
            return new Installation(
                    state, weights, checkpoint.tensors().size(), bytes, sha256, published, List.copyOf(remarks));
        } catch (CheckpointException e) {
            throw new LuthierException("no weights that can be used: " + e.getMessage() + next, e);
        } catch (IOException e) {
            throw Staging.cannotWrite(weights, e);
        }
    }
}
