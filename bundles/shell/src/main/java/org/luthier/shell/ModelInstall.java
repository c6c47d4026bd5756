package org.luthier.shell;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.installer.Installation;
import org.luthier.installer.Installer;
import org.luthier.installer.Patience;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ProgressLine;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Leases;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code model:install}: gets the weights of a model. */
@Component(service = ShellCommand.class)
public final class ModelInstall extends WorkbenchCommand<ModelInstall.Options> {
    private final Path home;

    @Activate
    public ModelInstall(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
        this.home = Path.of(surroundings.property("luthier.home", ""));
    }

    @Command(
            name = "model:install",
            description = {
                "Gets the weights of a model, checks them, and puts them where transcribe finds them.",
                "They are fetched from where model:info says. What an interruption leaves is gone on with by the same command."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier model:install mt3",
                "  luthier model:install mt3 --from checkpoints/mt3",
                "  luthier model:install mt3 --from https://example.org/mirror/mt3/"
            })
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "MODEL", description = "Id of a model, as model:list shows it.")
        String model;

        @Option(
                names = "--from",
                paramLabel = "URL|PATH",
                description = "Get them from elsewhere: a file, a folder, or a URL; one of a folder ends with a slash.")
        String from;

        @Option(names = "--force", description = "Replace weights that are there.")
        boolean force;
    }

    @Override
    protected int run(Options options, Console console) {
        ModelDefinition model = workbench.catalog().get(options.model);
        Installer installer = new Installer(home.resolve("models"), Checkpoints.builtIn(), this::fits, Patience.USUAL);
        Installation installation;
        try (ProgressLine progress = console.progress(model.id())) {
            installation = installer.install(
                    model, options.from, console.folder(), options.force, progress, new Interruption());
        }
        installation.remarks().forEach(console::remark);
        console.print(model.id() + told(installation.state()) + installation.weights() + ": "
                + String.format(
                        Locale.ROOT, "%d arrays, %,d bytes, sha256 ", installation.arrays(), installation.bytes())
                + installation.sha256() + (installation.published() ? ", as published" : ""));
        return DONE;
    }

    private static String told(Installation.State state) {
        return switch (state) {
            case INSTALLED -> " is installed at ";
            case PRESENT -> " was installed before, at ";
            case BUILT_IN -> " needs no installing, its weights come with it, at ";
        };
    }

    /** @throws LuthierException if the checkpoint is another model's, with that */
    private boolean fits(ModelDefinition model, Checkpoint checkpoint) {
        boolean fits = fitsAlone(model, checkpoint);
        List<String> others = fits
                ? List.of()
                : workbench.catalog().models().stream()
                        .filter(other -> fitsAlone(other, checkpoint))
                        .map(ModelDefinition::id)
                        .toList();
        if (!others.isEmpty()) {
            String other = String.join(" or ", others);
            throw new LuthierException(checkpoint.name() + " is no checkpoint of model " + model.id() + ", but of "
                    + other + "; run model:install " + others.get(0) + " with it");
        }
        return fits;
    }

    private boolean fitsAlone(ModelDefinition model, Checkpoint checkpoint) {
        try (Leases leases = workbench.parts().acquire(new Want(ModelFamily.class, model.family()))) {
            ModelFamily family = leases.get(ModelFamily.class, model.family());
            return family.recognises(checkpoint) && family.fits(model, checkpoint);
        }
    }
}
